/* Digests and checksums against published vectors; hash64 against what a table in memory needs
 * of it: every byte, the size and the seed matter, and the low bits are spread. */
#include "base/hash.h"

#include "tap.h"

static void sha256_of(const char *text, size_t piece, char out[TARN_SHA256_HEX_BYTES]) {
    TarnSha256 *hash = tarn_base_sha256_new();
    REQUIRE(hash != NULL);
    size_t size = strlen(text);
    for (size_t at = 0; at < size; at += piece) {
        tarn_base_sha256_update(hash, text + at, size - at < piece ? size - at : piece);
    }
    tarn_base_sha256_hex(hash, out);
    tarn_base_sha256_free(hash);
}

/* FIPS 180-4 examples */
static void sha256_matches_the_standard(void) {
    char hex[TARN_SHA256_HEX_BYTES];
    sha256_of("", 1, hex);
    CHECK_STRING(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    sha256_of("abc", 3, hex);
    CHECK_STRING(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    const char *long_text = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    for (size_t piece = 1; piece < 60; piece++) {
        sha256_of(long_text, piece, hex);
        CHECK_STRING(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    }
    tarn_base_sha256_free(NULL);
}

static void checksums_match_the_check_values(void) {
    CHECK_INT(tarn_base_crc32(0, "123456789", 9), 0xCBF43926);
    CHECK_INT(tarn_base_crc32(tarn_base_crc32(0, "1234", 4), "56789", 5), 0xCBF43926);
    CHECK_INT(tarn_base_crc32(0x1234, NULL, 0), 0x1234);
    CHECK_INT(tarn_base_crc32c(0, "123456789", 9), 0xE3069283);
    CHECK_INT(tarn_base_crc32c(tarn_base_crc32c(0, "12345678", 8), "9", 1), 0xE3069283);
    CHECK_INT(tarn_base_crc32c(0, NULL, 0), 0);
    /* RFC 3720, appendix B.4 */
    unsigned char bytes[32] = {0};
    CHECK_INT(tarn_base_crc32c(0, bytes, 32), 0x8A9136AA);
    memset(bytes, 0xFF, 32);
    CHECK_INT(tarn_base_crc32c(0, bytes, 32), 0x62A8AB43);
    for (unsigned i = 0; i < 32; i++) bytes[i] = (unsigned char)i;
    CHECK_INT(tarn_base_crc32c(0, bytes, 32), 0x46DD794E);
}

static int32_t murmur_of(const void *data, size_t size) {
    return (int32_t)tarn_base_murmur3_32(data, size, 0);
}

static int32_t murmur_of_long(int64_t value) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)value >> (8 * i));
    return murmur_of(bytes, 8);
}

/* Iceberg specification, appendix B */
static void murmur3_matches_the_table_of_iceberg(void) {
    CHECK_INT(murmur_of_long(34), 2017239379);
    CHECK_INT(murmur_of_long(81068000000), -662762989);           /* 22:31:08 */
    CHECK_INT(murmur_of_long(1510871468000000), -2047944441);     /* 2017-11-16T22:31:08 */
    CHECK_INT(murmur_of_long(17486), -653330422);                 /* 2017-11-16 */
    CHECK_INT(murmur_of("\x05\x8C", 2), -500754589);              /* 14.20 */
    CHECK_INT(murmur_of("iceberg", 7), 1210000089);
    CHECK_INT(murmur_of("\x00\x01\x02\x03", 4), -188683207);
    static const unsigned char uuid[16] = {0xF7, 0x9C, 0x3E, 0x09, 0x67, 0x7C, 0x4B, 0xBD,
                                           0xA4, 0x79, 0x3F, 0x34, 0x9C, 0xB7, 0x85, 0xE7};
    CHECK_INT(murmur_of(uuid, 16), 1488055340);
}

/* Every tail length and another seed; the figures are those of the reference program. */
static void murmur3_takes_every_tail_and_a_seed(void) {
    CHECK_INT(tarn_base_murmur3_32("", 0, 0), 0);
    CHECK_INT(tarn_base_murmur3_32("", 0, 1), 0x514E28B7);
    CHECK_INT(tarn_base_murmur3_32("", 0, 0xFFFFFFFF), 0x81F16F39);
    CHECK_INT(tarn_base_murmur3_32("\xFF\xFF\xFF\xFF", 4, 0), 0x76293B50);
    CHECK_INT(tarn_base_murmur3_32("\x21\x43\x65\x87", 4, 0), 0xF55B516B);
    CHECK_INT(tarn_base_murmur3_32("\x21\x43\x65\x87", 4, 0x5082EDEE), 0x2362F9DE);
    CHECK_INT(tarn_base_murmur3_32("\x21\x43\x65", 3, 0), 0x7E4A8634);
    CHECK_INT(tarn_base_murmur3_32("\x21\x43", 2, 0), 0xA0F7B07A);
    CHECK_INT(tarn_base_murmur3_32("\x21", 1, 0), 0x72661CF4);
}

static int compare_u64(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static bool all_differ(uint64_t *hashes, size_t count) {
    qsort(hashes, count, sizeof(hashes[0]), compare_u64);
    for (size_t i = 1; i < count; i++) {
        if (hashes[i] == hashes[i - 1]) return false;
    }
    return true;
}

static void hash64_sees_the_size_every_byte_and_the_seed(void) {
    static uint64_t hashes[100 * 101];
    size_t count = 0;
    unsigned char bytes[100] = {0};
    for (size_t size = 0; size <= 100; size++) {
        hashes[count++] = tarn_base_hash64(bytes, size, 7);
        for (size_t i = 0; i < size && size < 100; i++) {
            bytes[i] = 1;
            hashes[count++] = tarn_base_hash64(bytes, size, 7);
            bytes[i] = 0;
        }
    }
    CHECK(all_differ(hashes, count));
    for (uint64_t seed = 0; seed < 1000; seed++) hashes[seed] = tarn_base_hash64("key", 3, seed);
    CHECK(all_differ(hashes, 1000));
    CHECK(tarn_base_hash64(NULL, 0, 1) == tarn_base_hash64("", 0, 1));
}

static void hash64_does_not_depend_on_alignment(void) {
    char room[80];
    uint64_t wanted = 0;
    for (size_t shift = 0; shift < 8; shift++) {
        for (size_t i = 0; i < 60; i++) room[shift + i] = (char)('a' + i % 26);
        uint64_t hash = tarn_base_hash64(room + shift, 60, 3);
        if (shift == 0) wanted = hash;
        CHECK(hash == wanted);
    }
}

/* Flipping one bit of the input flips about half of the output, for each size class. */
static void hash64_avalanches(void) {
    static const size_t sizes[] = {1, 3, 4, 7, 8, 15, 16, 17, 40};
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
        unsigned char bytes[40];
        uint64_t flipped = 0;
        uint64_t trials = 0;
        for (unsigned round = 0; round < 64; round++) {
            for (size_t i = 0; i < 40; i++) bytes[i] = (unsigned char)(round * 31 + i * 17);
            uint64_t hash = tarn_base_hash64(bytes, sizes[s], round);
            for (size_t bit = 0; bit < sizes[s] * 8; bit++) {
                bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
                uint64_t other = tarn_base_hash64(bytes, sizes[s], round);
                bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
                uint64_t changed = (uint64_t)__builtin_popcountll(hash ^ other);
                CHECK(changed >= 8 && changed <= 56);
                flipped += changed;
                trials++;
            }
        }
        double mean = (double)flipped / (double)trials;
        CHECK(mean > 31 && mean < 33);
    }
}

/* Column names as they occur: the low bits that a table uses must be spread. */
static void hash64_spreads_similar_names(void) {
    enum { NAMES = 100000, BUCKETS = 4096 };
    static uint32_t buckets[BUCKETS];
    static uint64_t hashes[NAMES];
    for (uint32_t i = 0; i < NAMES; i++) {
        char name[32];
        int size = snprintf(name, sizeof(name), "column_%u", i);
        hashes[i] = tarn_base_hash64(name, (size_t)size, 42);
        buckets[hashes[i] % BUCKETS]++;
    }
    CHECK(all_differ(hashes, NAMES));
    double expected = (double)NAMES / BUCKETS;
    double chi_square = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        double distance = buckets[i] - expected;
        chi_square += distance * distance / expected;
    }
    /* mean 4095, standard deviation 90: five of them either way */
    CHECK(chi_square > 3640 && chi_square < 4550);
}

int main(int argc, char **argv) {
    TAP_START(argc, argv);
    TAP_TEST(sha256_matches_the_standard);
    TAP_TEST(checksums_match_the_check_values);
    TAP_TEST(murmur3_matches_the_table_of_iceberg);
    TAP_TEST(murmur3_takes_every_tail_and_a_seed);
    TAP_TEST(hash64_sees_the_size_every_byte_and_the_seed);
    TAP_TEST(hash64_does_not_depend_on_alignment);
    TAP_TEST(hash64_avalanches);
    TAP_TEST(hash64_spreads_similar_names);
    return tap_end();
}

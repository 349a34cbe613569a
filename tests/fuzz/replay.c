/* Runs a fuzzer without libFuzzer: each file of the corpus folders given, each beginning of it,
 * and it with one byte changed, all from exact copies on the heap so that the address sanitizer
 * sees a read past the end. Deterministic; finds what a change broke, not what is new.
 *
 *   fuzz_json tests/fuzz/corpus/json
 */
#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

/* Larger files run as they are: their variations would take the time of a real fuzzer. */
#define VARIED_BYTES 1024
#define LARGEST_FILE_BYTES (16 * 1024 * 1024)

static size_t runs;

static void run(const uint8_t *data, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    FUZZ_CHECK(copy != NULL);
    if (size > 0) memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    runs++;
}

static void run_variations(uint8_t *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        uint8_t kept = data[i];
        const uint8_t changed[] = {0x00, 0xFF, (uint8_t)(kept ^ 0x01), (uint8_t)(kept ^ 0x80),
                                   (uint8_t)(kept + 1), '"', '\n'};
        for (size_t c = 0; c < sizeof(changed); c++) {
            data[i] = changed[c];
            run(data, size);
        }
        data[i] = kept;
        run(data, i);
    }
}

static int replay_file(const char *path) {
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(LARGEST_FILE_BYTES);
    size_t size = 0;
    bool done = file != NULL && data != NULL;
    if (done) {
        size = fread(data, 1, LARGEST_FILE_BYTES, file);
        done = !ferror(file) && size < LARGEST_FILE_BYTES;
    }
    if (done) {
        run(data, size);
        if (size <= VARIED_BYTES) run_variations(data, size);
    } else {
        fprintf(stderr, "could not read %s\n", path);
    }
    if (file != NULL) fclose(file);
    free(data);
    return done ? 0 : 1;
}

static int compare_names(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

static int replay_folder(const char *folder) {
    struct dirent **entries = NULL;
    int failed = 0;
    int count = scandir(folder, &entries, is_visible, compare_names);
    if (count <= 0) {
        fprintf(stderr, "no corpus in %s\n", folder);
        failed = 1;
    }
    for (int i = 0; i < count; i++) {
        char path[PATH_MAX];
        int size = snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        failed |= size >= (int)sizeof(path) || replay_file(path) != 0;
        free(entries[i]);
    }
    free(entries);
    printf("%s: %d files, %zu inputs\n", folder, count, runs);
    return failed;
}

int main(int argc, char **argv) {
    int failed = argc < 2;
    if (failed) fprintf(stderr, "usage: %s FOLDER|FILE..\n", argv[0]);
    for (int i = 1; i < argc; i++) {
        struct stat status;
        bool folder = stat(argv[i], &status) == 0 && S_ISDIR(status.st_mode);
        failed |= folder ? replay_folder(argv[i]) : replay_file(argv[i]);
    }
    return failed;
}

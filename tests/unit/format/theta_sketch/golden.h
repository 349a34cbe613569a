/* Written by theta_sketch/generate.py: do not edit. */
#ifndef TARN_TESTS_THETA_SKETCH_GOLDEN_H
#define TARN_TESTS_THETA_SKETCH_GOLDEN_H

static const struct {
    bool is_strings;
    int64_t count;
    double estimate;
    size_t size;
    const char *hex; /* or NULL */
    const char *sha256;
} goldens[] = {
    {false, 0, 0.0, 8,
     "01030300001ecc93",
     "ecb24cbedb0f1b3507115e185e038545b5146a51c45e760129831196279d409f"},
    {false, 1, 1.0, 16,
     "01030300001acc93e56b61eec8804420",
     "67e741e79d6b30a80347bca907ceed14dc611a2571ed8405f0f3c48337136405"},
    {false, 2, 2.0, 32,
     "02030300001acc93020000000000000015f97dcbbd86a105e56b61eec8804420",
     "d6ae977466f1fdd206eeb0dfb09fc0a2b30c7d304e2063628bfb8917a33e48b3"},
    {false, 5, 5.0, 56,
     NULL,
     "91d522605bf48a8cdd35fb14667a29477845130bfa9a35edc0f39eb90c876ec0"},
    {false, 100, 100.0, 816,
     NULL,
     "4c98b19c740b87c1d4d88bd2fc23129585029231ff8d548900540d98623df097"},
    {false, 4096, 4096.0, 32784,
     NULL,
     "ee6f6aaaecbd7c5f0facd61e5241cf142e8bdf66d6e7b164dcd35030ed3e0cb5"},
    {false, 4097, 4097.0, 32792,
     NULL,
     "632f577d35953744b7b8381123d28cdb279d0bb254d6e9973334bb089e6cb488"},
    {false, 7680, 7680.0, 61456,
     NULL,
     "2b3111b787b1336de736bb282f22e69c5991701b25c7c057a10b4381dd268d97"},
    {false, 7681, 7703.585815244497, 32792,
     NULL,
     "6de71269dcb968b4691363091eddce010136143ebe73f793b9a4634ad43c9089"},
    {false, 11266, 11277.026501026856, 47992,
     NULL,
     "1145c7672cdc331c337e0c11191b8181e3b94babb55e497daa57b21193a0bb7d"},
    {false, 50000, 49954.84121742646, 60472,
     NULL,
     "9374fd7130ff2056472084a3aac1f9f4b81e8f1144ce5d9079e2f77a9b0166e6"},
    {false, 1000000, 1002714.745231455, 52504,
     NULL,
     "6d8182717c7736e7b67c537415dc9d620362b2129c2bcd94bb823e1a6b596d0c"},
    {true, 0, 0.0, 8,
     "01030300001ecc93",
     "ecb24cbedb0f1b3507115e185e038545b5146a51c45e760129831196279d409f"},
    {true, 1, 1.0, 16,
     "01030300001acc9328dc026e817c4421",
     "5ad39769af47ba281533aa81050f947fae4149cf278c34daf700b09e4fb4257c"},
    {true, 2, 2.0, 32,
     "02030300001acc930200000000000000a9ed8dde4cb3d80e28dc026e817c4421",
     "f48aa4f1d1a96f69200db5b10f48cff8e708207708b6e53abc117eba6c1419a9"},
    {true, 5, 5.0, 56,
     NULL,
     "d7d20e2eabc8ad10b94a673d6ab9db51f8a043fcd8e57064f6cf80f3e32c786d"},
    {true, 100, 100.0, 816,
     NULL,
     "5409dab1313c411d26a215231d26a1911380cd59b16d5cae822dec9531abc58d"},
    {true, 4096, 4096.0, 32784,
     NULL,
     "ade2ba8b1ea22e6d6a8679c0db0d73cf1ab1238ae20cfbf7cbbb7bc230619395"},
    {true, 4097, 4097.0, 32792,
     NULL,
     "a7ffd0d4f5367e677d2fe57669515fafcfaca2c63d05381229ae5d8daf360fbe"},
    {true, 7680, 7680.0, 61456,
     NULL,
     "6917c84d9c89b2d1294f84eccfe3ea0c63099f6f3be37a35c66de7b4e21302c7"},
    {true, 7681, 7662.201532359978, 32792,
     NULL,
     "40ddf40fbe225092829a3c624a68af2dcc69d730926c6c6e47aba965cd95836d"},
    {true, 11266, 11281.918320718512, 48272,
     NULL,
     "46a81d82c09fd06200067e85df75fb7b73a904d6493bfc3db4b0d33d26fb1a8f"},
    {true, 50000, 50045.30080296729, 60592,
     NULL,
     "a189afa2062891eb5403111170dfd6c28adca4d5d0d059df4b787a9577fa9292"},
    {true, 1000000, 998441.4414164696, 53424,
     NULL,
     "7de88305c5494e9e47b2c9b25be2fa0703dfddc51a85ce80eb28db3ee86dea1b"},
};

/* The union of the longs 0 to 59,999 and 40,000 to 99,999. */
#define GOLDEN_UNION_ESTIMATE 98045.91060164096

#endif

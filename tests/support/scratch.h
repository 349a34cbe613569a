/* A scratch folder of a test, made in the current directory (the build folder, when run by
 * `meson test`) and removed with all it holds. */
#ifndef TARN_TESTS_SCRATCH_H
#define TARN_TESTS_SCRATCH_H

#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct Scratch {
    char path[PATH_MAX]; /* absolute */
} Scratch;

__attribute__((unused)) static void scratch_make(Scratch *scratch) {
    char name[] = "scratch-XXXXXX";
    if (mkdtemp(name) == NULL || realpath(name, scratch->path) == NULL) {
        perror("could not make a scratch folder");
        abort();
    }
}

/* "<scratch>/<name>"; the last 32 results stay valid. */
__attribute__((unused)) static const char *scratch_at(const Scratch *scratch, const char *name) {
    static _Thread_local char paths[32][PATH_MAX + 1024];
    static _Thread_local unsigned next;
    char *path = paths[next++ % 32];
    snprintf(path, sizeof(paths[0]), "%s/%s", scratch->path, name);
    return path;
}

__attribute__((unused)) static int scratch_remove_one(const char *path, const struct stat *stat,
                                                      int kind, struct FTW *walk) {
    (void)stat;
    (void)kind;
    (void)walk;
    return remove(path);
}

__attribute__((unused)) static void scratch_remove(const Scratch *scratch) {
    nftw(scratch->path, scratch_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

__attribute__((unused)) static void scratch_write(const char *path, const char *content) {
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(content, 1, strlen(content), file) != strlen(content) ||
        fclose(file) != 0) {
        perror(path);
        abort();
    }
}

#endif

/* Looking things up in the command table. The table itself is in command_table.c.
 */
#include "cli/command_private.h"

#include <string.h>

#include "base/text.h"

#define NEAR_NAMES_MAX 256

const TarnCliCommand *tarn_cli__command_find(const char *name) {
    for (size_t i = 0; i < tarn_cli__command_count; i++) {
        if (strcmp(tarn_cli__commands[i].name, name) == 0) return &tarn_cli__commands[i];
    }
    return NULL;
}

/* "table optimize" for "optimize": what it does was right, where it is was not. */
static const char *find_verb(const char *name) {
    for (size_t i = 0; i < tarn_cli__command_count; i++) {
        const TarnCliCommand *command = &tarn_cli__commands[i];
        const char *verb = strchr(command->name, ' ');
        if (command->hidden || command->handler == NULL || verb == NULL) continue;
        if (strcmp(verb + 1, name) == 0) return command->name;
    }
    return NULL;
}

const char *tarn_cli__command_nearest(const char *name) {
    const char *names[NEAR_NAMES_MAX];
    const char *verb = find_verb(name);
    if (verb != NULL) return verb;
    size_t count = 0;
    for (size_t i = 0; i < tarn_cli__command_count && count < NEAR_NAMES_MAX; i++) {
        const TarnCliCommand *command = &tarn_cli__commands[i];
        if (!command->hidden && command->handler != NULL) names[count++] = command->name;
    }
    return tarn_base_text_nearest(name, names, count);
}

bool tarn_cli__command_is_noun(const char *word) {
    size_t size = strlen(word);
    for (size_t i = 0; i < tarn_cli__command_count; i++) {
        const char *name = tarn_cli__commands[i].name;
        if (strncmp(name, word, size) == 0 && name[size] == ' ') return true;
    }
    return false;
}

size_t tarn_cli__flag_count(const TarnCliFlag *flags) {
    size_t count = 0;
    while (flags != NULL && flags[count].name != NULL) count++;
    return count;
}

size_t tarn_cli__operand_count(const TarnCliCommand *command) {
    size_t count = 0;
    while (count < TARN_CLI_OPERANDS_MAX && command->operands[count].name != NULL) count++;
    return count;
}

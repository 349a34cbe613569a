/* tarn version: what a report about a problem needs. The engine's library is not loaded for it.
 */
#include "cli/handlers_private.h"
#include "cli/rows_private.h"

bool tarn_cli__version(TarnCli *cli, TarnError *error) {
    (void)error;
    static const TarnCliColumn columns[] = {{.name = "tarn"}, {.name = "duckdb"},
                                            {.name = "iceberg"}, {.name = "compiler"}};
    TarnCliRows rows;
    tarn_cli__rows_begin(cli, columns, 4, TARN_CLI_ONE, &rows);
    const TarnCliCell cells[] = {
        tarn_cli__cell_text(TARN_VERSION),
        tarn_cli__cell_text("1.5.5"),
        tarn_cli__cell_text("reads v1, v2, v3; writes v2"),
        tarn_cli__cell_text(__VERSION__),
    };
    tarn_cli__rows_put(&rows, cells);
    tarn_cli__rows_end(&rows, 0, false);
    return true;
}

#include "engine/engine_private.h"
void tarn_engine__scan_drop_all(TarnEngineSession *session) { (void)session; }

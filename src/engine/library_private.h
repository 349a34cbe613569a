/* The one table of DuckDB functions this program may call, filled by dlsym.
 *
 * TARN_ENGINE_FUNCTIONS is the allow-list. A function is on it only if it catches C++ exceptions
 * itself for every argument the room passes: an exception that reaches a C frame ends the
 * process. Read in DuckDB 1.5.5's src/main/capi; what must not be called, or only with care:
 *   - duckdb_rows_changed on a streaming result: casts to the wrong class. Ask
 *     duckdb_result_is_streaming first.
 *   - duckdb_data_chunk_from_arrow: its allocation and the length's conversion are outside its
 *     try block: the length must be 0..2048 (checked in arrow_scan.c). It moves ownership with the
 *     first column only, so it is given one column at a time.
 *   - duckdb_get_varchar and the other value casts throw on values that do not fit: not listed.
 *   - duckdb_prepared_statement_type follows a null pointer for a statement with an error: not
 *     listed.
 *   - duckdb_create_enum_type, duckdb_vector_copy_sel, duckdb_list_vector_reserve throw when
 *     memory ends: not listed.
 *   - duckdb_enum_dictionary_value, duckdb_struct_type_child_name and the like do not check their
 *     index: the count is asked first.
 * std::bad_alloc of the system's memory (not DuckDB's memory_limit, which is an ordinary error)
 * may still end the process from any of them: a worker process is what contains that.
 */
#ifndef TARN_ENGINE_LIBRARY_PRIVATE_H
#define TARN_ENGINE_LIBRARY_PRIVATE_H

#include <duckdb.h>

#define TARN_ENGINE_FUNCTIONS(X)                                                                   \
    /* library, instance, connection */                                                            \
    X(library_version)                                                                             \
    X(create_config)                                                                               \
    X(set_config)                                                                                  \
    X(destroy_config)                                                                              \
    X(open_ext)                                                                                    \
    X(close)                                                                                       \
    X(connect)                                                                                     \
    X(disconnect)                                                                                  \
    X(interrupt)                                                                                   \
    X(query_progress)                                                                              \
    X(connection_get_client_context)                                                               \
    X(client_context_get_connection_id)                                                            \
    X(destroy_client_context)                                                                      \
    X(free)                                                                                        \
    /* statements */                                                                               \
    X(extract_statements)                                                                          \
    X(extract_statements_error)                                                                    \
    X(prepare)                                                                                     \
    X(prepare_extracted_statement)                                                                 \
    X(destroy_extracted)                                                                           \
    X(prepare_error)                                                                               \
    X(prepared_statement_column_count)                                                             \
    X(prepared_statement_column_name)                                                              \
    X(prepared_statement_column_logical_type)                                                      \
    X(destroy_prepare)                                                                             \
    X(nparams)                                                                                     \
    X(bind_null)                                                                                   \
    X(bind_boolean)                                                                                \
    X(bind_int64)                                                                                  \
    X(bind_double)                                                                                 \
    X(bind_varchar_length)                                                                         \
    X(bind_blob)                                                                                   \
    X(pending_prepared_streaming) /* marked deprecated; the only way to stream in 1.5 */           \
    X(pending_error)                                                                               \
    X(execute_pending)                                                                             \
    X(destroy_pending)                                                                             \
    /* results */                                                                                  \
    X(destroy_result)                                                                              \
    X(result_error)                                                                                \
    X(result_is_streaming)                                                                         \
    X(result_return_type)                                                                          \
    X(rows_changed)                                                                                \
    X(column_count)                                                                                \
    X(column_name)                                                                                 \
    X(column_logical_type)                                                                         \
    X(fetch_chunk)                                                                                 \
    /* types */                                                                                    \
    X(create_logical_type)                                                                         \
    X(get_type_id)                                                                                 \
    X(logical_type_get_alias)                                                                      \
    X(decimal_width)                                                                               \
    X(decimal_scale)                                                                               \
    X(enum_internal_type)                                                                          \
    X(enum_dictionary_size)                                                                        \
    X(enum_dictionary_value)                                                                       \
    X(list_type_child_type)                                                                        \
    X(array_type_child_type)                                                                       \
    X(array_type_array_size)                                                                       \
    X(map_type_key_type)                                                                           \
    X(map_type_value_type)                                                                         \
    X(struct_type_child_count)                                                                     \
    X(struct_type_child_name)                                                                      \
    X(struct_type_child_type)                                                                      \
    X(union_type_member_count)                                                                     \
    X(union_type_member_name)                                                                      \
    X(union_type_member_type)                                                                      \
    X(destroy_logical_type)                                                                        \
    /* chunks and vectors */                                                                       \
    X(destroy_data_chunk)                                                                          \
    X(data_chunk_get_size)                                                                         \
    X(data_chunk_set_size)                                                                         \
    X(data_chunk_get_column_count)                                                                 \
    X(data_chunk_get_vector)                                                                       \
    X(vector_get_column_type)                                                                      \
    X(vector_get_data)                                                                             \
    X(vector_get_validity)                                                                         \
    X(vector_ensure_validity_writable)                                                             \
    X(vector_assign_string_element_len)                                                            \
    X(vector_reference_vector)                                                                     \
    X(list_vector_get_child)                                                                       \
    X(list_vector_get_size)                                                                        \
    X(struct_vector_get_child)                                                                     \
    X(array_vector_get_child)                                                                      \
    /* Arrow */                                                                                    \
    X(result_get_arrow_options)                                                                    \
    X(destroy_arrow_options)                                                                       \
    X(to_arrow_schema)                                                                             \
    X(data_chunk_to_arrow)                                                                         \
    X(schema_from_arrow)                                                                           \
    X(data_chunk_from_arrow)                                                                       \
    X(destroy_arrow_converted_schema)                                                              \
    X(error_data_message)                                                                          \
    X(destroy_error_data)                                                                          \
    /* appender */                                                                                 \
    X(appender_create_ext)                                                                         \
    X(appender_destroy)                                                                            \
    X(appender_error)                                                                              \
    X(appender_clear)                                                                              \
    X(appender_column_count)                                                                       \
    X(appender_end_row)                                                                            \
    X(appender_close)                                                                              \
    X(append_null)                                                                                 \
    X(append_bool)                                                                                 \
    X(append_int64)                                                                                \
    X(append_double)                                                                               \
    X(append_varchar_length)                                                                       \
    X(append_blob)                                                                                 \
    /* functions written in C */                                                                   \
    X(create_scalar_function)                                                                      \
    X(destroy_scalar_function)                                                                     \
    X(scalar_function_set_name)                                                                    \
    X(scalar_function_add_parameter)                                                               \
    X(scalar_function_set_return_type)                                                             \
    X(scalar_function_set_special_handling)                                                        \
    X(scalar_function_set_volatile)                                                                \
    X(scalar_function_set_extra_info)                                                              \
    X(scalar_function_set_function)                                                                \
    X(scalar_function_get_extra_info)                                                              \
    X(scalar_function_set_error)                                                                   \
    X(register_scalar_function)                                                                    \
    X(create_table_function)                                                                       \
    X(destroy_table_function)                                                                      \
    X(table_function_set_name)                                                                     \
    X(table_function_add_parameter)                                                                \
    X(table_function_set_extra_info)                                                               \
    X(table_function_set_bind)                                                                     \
    X(table_function_set_init)                                                                     \
    X(table_function_set_local_init)                                                               \
    X(table_function_set_function)                                                                 \
    X(table_function_supports_projection_pushdown)                                                 \
    X(register_table_function)                                                                     \
    X(bind_get_extra_info)                                                                         \
    X(table_function_get_client_context)                                                           \
    X(bind_get_parameter)                                                                          \
    X(bind_add_result_column)                                                                      \
    X(bind_set_bind_data)                                                                          \
    X(bind_set_error)                                                                              \
    X(init_get_bind_data)                                                                          \
    X(init_get_column_count)                                                                       \
    X(init_get_column_index)                                                                       \
    X(init_set_max_threads)                                                                        \
    X(init_set_init_data)                                                                          \
    X(init_set_error)                                                                              \
    X(function_get_bind_data)                                                                      \
    X(function_get_local_init_data)                                                                \
    X(function_set_error)                                                                          \
    X(get_int64)                                                                                   \
    X(destroy_value)

typedef struct TarnEngineFunctions {
#define TARN_ENGINE_MEMBER(name) __typeof__(&duckdb_##name) name;
    TARN_ENGINE_FUNCTIONS(TARN_ENGINE_MEMBER)
#undef TARN_ENGINE_MEMBER
} TarnEngineFunctions;

/* Filled once by tarn_engine_library_load(); read-only afterwards. */
extern TarnEngineFunctions tarn_engine__duck;

#endif

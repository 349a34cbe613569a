/* The catalog's tables. iceberg_tables and iceberg_namespace_properties are the Iceberg SQL
 * catalog's own (JDBC catalog, schema version 1), column for column, so that its other clients
 * read and write the same rows. What tarn adds lies beside them and never in them.
 */
#include "catalog/catalog.h"

const char tarn_catalog_schema_sql[] =
    "create table iceberg_tables ("
    "  catalog_name varchar(255) not null,"
    "  table_namespace varchar(255) not null,"
    "  table_name varchar(255) not null,"
    "  metadata_location varchar(1000),"
    "  previous_metadata_location varchar(1000),"
    "  iceberg_type varchar(5),"
    "  primary key (catalog_name, table_namespace, table_name));"
    "create table iceberg_namespace_properties ("
    "  catalog_name varchar(255) not null,"
    "  namespace varchar(255) not null,"
    "  property_key varchar(255) not null,"
    "  property_value varchar(1000) not null,"
    "  primary key (catalog_name, namespace, property_key));"
    /* Numbers for listings, right as long as metadata_location equals the pointer's. */
    "create table tarn_table ("
    "  ns text not null, name text not null,"
    "  metadata_location text not null,"
    "  table_uuid text not null,"
    "  rows bigint not null, bytes bigint not null, files bigint not null,"
    "  updated_at_ms bigint not null,"
    "  primary key (ns, name));"
    "create table tarn_view ("
    "  ns text not null, name text not null,"
    "  sql text not null, schema_json text not null, created_at_ms bigint not null,"
    "  primary key (ns, name));"
    /* Tables dropped: their files are still there, and the pointer can be brought back. */
    "create table tarn_dropped ("
    "  ns text not null, name text not null,"
    "  metadata_location text not null, dropped_at_ms bigint not null,"
    "  primary key (metadata_location));"
    /* Folders outside the warehouse that registered tables live in. */
    "create table tarn_root (location text primary key);"
    /* Files being written; see catalog.h, commit protocol. */
    "create table tarn_intent ("
    "  id text not null, location text not null,"
    "  owner text not null, created_at_ms bigint not null,"
    "  primary key (id, location));";

const char tarn_catalog_drop_schema_sql[] =
    "create table tarn_dropped_2 ("
    "  id text primary key,"
    "  ns text not null, name text not null,"
    "  metadata_location text not null, table_uuid text not null,"
    "  dropped_at_ms bigint not null, dropped_by text, purge_started_at_ms bigint);"
    "insert into tarn_dropped_2 (id, ns, name, metadata_location, table_uuid, dropped_at_ms)"
    "  select metadata_location, ns, name, metadata_location, '', dropped_at_ms from tarn_dropped;"
    "drop table tarn_dropped;"
    "alter table tarn_dropped_2 rename to tarn_dropped;";

// SPDX-License-Identifier: MIT
#include "app/sqlite_backend.hpp"

namespace shop {

using namespace gabion::sqlite;

bool sqlite_backend::prepare(database& in, const sqlite_backend_options& options) {
  create_schema(in, event_schema);
  create_schema(in, broker_schema);
  create_schema(in, sqlite_tables_schema);
  outbox_store::create_schema(in);
  inbox_store::create_schema(in);
  command_log::create_schema(in);
  checkpoint_store::create_schema(in);
  if (options.max_pages > 0)
    in.transact([&](transaction& tx) {
      tx.on().execute(("PRAGMA max_page_count=" + std::to_string(options.max_pages)).c_str());
    });
  return true;
}

}  // namespace shop

// SPDX-License-Identifier: Apache-2.0
#include "ops/commands/database.hpp"

#include "storage/migrate.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

namespace lyceum {
namespace {

namespace fs = std::filesystem;

std::string url_of(const config& cfg) {
  return cfg.database.kind == database_config::engine::sqlite ? "sqlite:" + cfg.database.file.string()
                                                              : cfg.database.url.reveal();
}

const storage::limits patience{std::chrono::seconds(30), std::chrono::seconds(2), std::chrono::seconds(10)};

} // namespace

std::unique_ptr<storage::db> look_into_database(const config& cfg) {
  if (cfg.database.kind != database_config::engine::sqlite || fs::exists(cfg.database.file))
    return storage::open(url_of(cfg), storage::mode::writes, patience);
  return storage::open("sqlite::memory:", storage::mode::writes, patience);
}

std::unique_ptr<storage::db> open_database(const config& cfg) {
  if (cfg.database.kind == database_config::engine::sqlite) {
    std::error_code failed;
    fs::create_directories(cfg.database.file.parent_path(), failed);
    if (failed)
      throw storage::error("", fmt::format("cannot make the data folder {}: {}",
                                           cfg.database.file.parent_path().string(), failed.message()));
  }
  return storage::open(url_of(cfg), storage::mode::writes, patience);
}

std::unique_ptr<storage::db> open_existing_database(const config& cfg) {
  std::error_code failed;
  if (cfg.database.kind == database_config::engine::sqlite && !fs::exists(cfg.database.file, failed))
    throw storage::error("", fmt::format("there is no database {} yet: start the server, or run `lyceum migrate`",
                                         cfg.database.file.string()));
  auto db = storage::open(url_of(cfg), storage::mode::writes, patience);
  if (!storage::is_up_to_date(*db))
    throw storage::error("",
                         "the database's schema is older than this program: run `lyceum migrate`, or start the server");
  return db;
}

} // namespace lyceum

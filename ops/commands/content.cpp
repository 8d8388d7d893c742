// SPDX-License-Identifier: Apache-2.0
// The commands of authors: import, check, new, render; and migrate.
#include "ops/commands/commands.hpp"

#include "ops/commands/preflight.hpp"
#include "storage/catalogue.hpp"
#include "storage/import.hpp"
#include "storage/migrate.hpp"
#include "views/markdown.hpp"

#include <boost/json.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <system_error>

namespace lyceum {
namespace {

namespace fs = std::filesystem;

std::string url_of(const config& cfg) {
  return cfg.database.kind == database_config::engine::sqlite ? "sqlite:" + cfg.database.file.string()
                                                              : cfg.database.url.reveal();
}

/// The database of a configuration, its folder made where it is missing. Throws storage::error.
std::unique_ptr<storage::db> open_database(const config& cfg) {
  if (cfg.database.kind == database_config::engine::sqlite) {
    std::error_code failed;
    fs::create_directories(cfg.database.file.parent_path(), failed);
    if (failed)
      throw storage::error("", fmt::format("cannot make the data folder {}: {}",
                                           cfg.database.file.parent_path().string(), failed.message()));
  }
  return storage::open(url_of(cfg), storage::mode::writes,
                       {std::chrono::seconds(30), std::chrono::seconds(2), std::chrono::seconds(10)});
}

void print_faults(const std::vector<storage::fault>& faults, bool json) {
  boost::json::array rows;
  for (const auto& one : faults) {
    if (!json)
      fmt::print("{}\n", to_string(one));
    rows.push_back({{"file", one.file},
                    {"line", one.line},
                    {"severity", one.how == storage::fault::severity::error ? "error" : "warning"},
                    {"message", one.message}});
  }
  if (json)
    fmt::print("{}\n", boost::json::serialize(rows));
}

} // namespace

int complain(const std::string& what, int status) {
  std::cerr << "lyceum: " << what << '\n';
  return status;
}

int run_import(const cli::import& how) {
  if (const auto wrong = preflight::unreadable(how.source))
    return complain(*wrong);
  const auto cfg = load_config(how.flags, read_environment());
  if (!cfg)
    return complain(cfg.error().detail, cli::status_usage);
  try {
    auto db = open_database(*cfg);
    storage::migrate(*db);
    storage::import_options options;
    options.dry_run = how.dry_run;
    options.replace_content = how.replace_content || cfg->replace_content;
    const auto report = storage::import_folder(*db, fs::absolute(how.source).lexically_normal().string(), options);
    std::cout << (how.json ? storage::to_json(report) : storage::to_text(report));
    if (how.json)
      std::cout << '\n';
    return report.ok() ? cli::status_done : cli::status_failed;
  } catch (const storage::error& failed) {
    return complain(failed.what());
  }
}

int run_check(const cli::check& how) {
  if (const auto wrong = preflight::unreadable(how.directory))
    return complain(*wrong);
  const auto faults = storage::check_folder(fs::absolute(how.directory).lexically_normal().string());
  print_faults(faults, how.json);
  const auto errors = std::ranges::count(faults, storage::fault::severity::error, &storage::fault::how);
  if (!how.json)
    fmt::print("{} errors, {} warnings\n", errors, static_cast<std::ptrdiff_t>(faults.size()) - errors);
  return faults.empty() ? cli::status_done : cli::status_failed;
}

int run_new_school(const cli::new_school& how) {
  const auto made = storage::new_school(fs::absolute(how.directory).lexically_normal().string());
  if (!made)
    return complain(made.error().detail);
  for (const auto& file : *made)
    fmt::print("{}\n", file);
  fmt::print("\nA school. See it: lyceum serve --content {}\n", how.directory.string());
  return cli::status_done;
}

int run_render(const cli::render& how) {
  std::string text;
  if (how.file && *how.file != "-") {
    std::ifstream in(*how.file, std::ios::binary);
    if (!in)
      return complain(fmt::format("cannot read {}: {}", how.file->string(), std::generic_category().message(errno)));
    text.assign(std::istreambuf_iterator<char>(in), {});
  } else {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  }
  if (how.untrusted) {
    const auto made = views::render_comment(text);
    if (!made)
      return complain(made.error().detail);
    std::cout << made->html;
    return cli::status_done;
  }
  render_input input;
  input.markdown = std::move(text);
  input.base_path = "/";
  const auto made = views::render_lesson(input);
  if (!made)
    return complain(made.error().detail);
  std::cout << made->html;
  return cli::status_done;
}

int run_migrate(const cli::migrate& how) {
  const auto cfg = load_config(how.flags, read_environment());
  if (!cfg)
    return complain(cfg.error().detail, cli::status_usage);
  try {
    auto db = open_database(*cfg);
    if (!how.status)
      for (const auto& done : storage::migrate(*db))
        fmt::print("applied {:04} {}\n", done.version, done.name);
    for (const auto& one : storage::migration_status(*db))
      if (one.applied_at)
        fmt::print("{:04}  {:<24} {:%Y-%m-%d %H:%M:%S} UTC\n", one.version, one.name,
                   std::chrono::time_point_cast<std::chrono::seconds>(*one.applied_at));
      else
        fmt::print("{:04}  {:<24} to come\n", one.version, one.name);
    return cli::status_done;
  } catch (const storage::error& failed) {
    return complain(failed.what());
  }
}

} // namespace lyceum

// SPDX-License-Identifier: Apache-2.0
// The commands of authors: import, check, new, render; and migrate.
#include "ops/commands/commands.hpp"

#include "ops/commands/database.hpp"
#include "ops/commands/preflight.hpp"
#include "storage/catalogue.hpp"
#include "storage/import.hpp"
#include "storage/migrate.hpp"
#include "views/highlight.hpp"
#include "views/markdown.hpp"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <system_error>

namespace lyceum {
namespace {

namespace fs = std::filesystem;

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
    const bool nothing_yet = cfg->database.kind == database_config::engine::sqlite && !fs::exists(cfg->database.file);
    auto db = how.dry_run ? look_into_database(*cfg) : open_database(*cfg);
    if (!how.dry_run || nothing_yet)
      storage::migrate(*db);
    else if (!storage::is_up_to_date(*db))
      return complain("the database's schema is older than this program, and a dry run changes nothing: run "
                      "`lyceum migrate` first, or start the server");
    storage::import_options options;
    options.judge = views::refusal_of;
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
  const auto faults = storage::check_folder(fs::absolute(how.directory).lexically_normal().string(), views::refusal_of);
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

namespace {

/// Colours for the blocks of a text, as the site would fetch them; none where the program is missing or fails.
views::colours colours_of(const std::vector<code_block>& blocks) {
  std::map<std::string, std::vector<code_block>> by_language;
  for (const auto& block : blocks)
    if (!block.language.empty())
      by_language[block.language].push_back(block);
  views::colours known;
  if (views::highlight_available())
    for (const auto& [language, some] : by_language)
      if (auto made =
              views::run_highlight({language, some}, std::chrono::steady_clock::now() + std::chrono::seconds(10)))
        known.insert(std::make_move_iterator(made->begin()), std::make_move_iterator(made->end()));
  return known;
}

} // namespace

int run_render(const cli::render& how) {
  const bool from_file = how.file && *how.file != "-";
  std::string text;
  if (!from_file)
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  if (how.untrusted) {
    if (from_file) {
      std::ifstream in(*how.file, std::ios::binary);
      std::error_code ignored;
      if (!in || fs::is_directory(*how.file, ignored))
        return complain(fmt::format("cannot read {}: {}", how.file->string(),
                                    in ? "it is a folder" : std::generic_category().message(errno)));
      text.assign(std::istreambuf_iterator<char>(in), {});
    }
    const auto made = views::render_comment(text);
    if (!made)
      return complain(made.error().detail);
    std::cout << made->html;
    return cli::status_done;
  }
  const auto preview = from_file ? storage::preview_text(how.file->string())
                                 : expected<storage::text_preview>(storage::preview_bytes(text));
  if (!preview)
    return complain(preview.error().detail);
  bool wrong = false;
  for (const auto& fault : preview->faults) {
    std::cerr << to_string(fault) << '\n';
    wrong = wrong || fault.how == storage::fault::severity::error;
  }
  auto made = views::render_lesson(preview->input);
  if (made && !made->blocks.empty())
    if (const auto known = colours_of(made->blocks); !known.empty())
      made = views::render_lesson(preview->input, known);
  if (!made)
    return complain(made.error().detail);
  std::cout << made->html;
  return wrong ? cli::status_failed : cli::status_done;
}

int run_migrate(const cli::migrate& how) {
  const auto cfg = load_config(how.flags, read_environment());
  if (!cfg)
    return complain(cfg.error().detail, cli::status_usage);
  try {
    auto db = how.status ? look_into_database(*cfg) : open_database(*cfg);
    if (!how.status)
      for (const auto& done : storage::migrate(*db))
        fmt::print("applied {:04} {}\n", done.version, done.name);
    for (const auto& one : storage::migration_status(*db))
      if (one.applied_at)
        fmt::print("{:04}  {:<24} {}\n", one.version, one.name, utc_words(*one.applied_at));
      else
        fmt::print("{:04}  {:<24} to come\n", one.version, one.name);
    return cli::status_done;
  } catch (const storage::error& failed) {
    return complain(failed.what());
  }
}

} // namespace lyceum

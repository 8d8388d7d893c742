// SPDX-License-Identifier: Apache-2.0
#include "storage/migrate.hpp"

#include "storage/digest.hpp"
#include "storage/migrations.hpp"

#include <algorithm>
#include <charconv>

namespace lyceum::storage {
namespace {

// "lyceum" as a number: any two programs that lock it on one PostgreSQL database are ours.
constexpr std::int64_t migration_lock = 0x6c796365756d;

constexpr query table_exists{"migrate.table_exists",
                             "SELECT 1 FROM information_schema.tables"
                             " WHERE table_schema = current_schema() AND table_name = 'schema_migrations'",
                             // SQLite has no information_schema.
                             "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'"};

constexpr const char* make_table = R"sql(
  CREATE TABLE IF NOT EXISTS schema_migrations (
    version    BIGINT PRIMARY KEY,
    name       TEXT NOT NULL,
    checksum   TEXT NOT NULL,
    applied_at BIGINT NOT NULL
  )
)sql";

constexpr query applied_migrations{"migrate.applied_migrations", R"sql(
  SELECT version, name, checksum, applied_at FROM schema_migrations ORDER BY version
)sql"};

constexpr query note_migration{"migrate.note_migration", R"sql(
  INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)
)sql"};

struct applied {
  migration_state state;
  std::string checksum;
};

std::vector<applied> list_applied(db& on) {
  if (!on.one(table_exists, [](const row&) { return true; }))
    return {};
  return on.all(applied_migrations, [](const row& r) {
    return applied{{r.small(0), r.text(1), r.time(3)}, r.text(2)};
  });
}

// The database may be behind this program, never ahead of it or beside it.
void demand_same_history(std::span<const migration> history, const std::vector<applied>& done) {
  for (const applied& a : done) {
    const auto known =
        std::find_if(history.begin(), history.end(), [&](const migration& m) { return m.version == a.state.version; });
    const std::string name = std::to_string(a.state.version) + " (" + a.state.name + ")";
    if (known == history.end())
      throw error("", "the database has migration " + name +
                          ", which this program does not know: start a newer version of lyceum, or restore the backup "
                          "taken before the upgrade");
    if (known->checksum != a.checksum)
      throw error("", "migration " + name +
                          " of the database is not the one of this program: the two were never released "
                          "together");
  }
}

// "0001_catalogue.sql", "0002_search.sqlite.sql"
std::optional<migration> read_file(const embedded_file& file, engine kind) {
  std::string_view stem = file.name;
  if (!stem.ends_with(".sql"))
    return std::nullopt;
  stem.remove_suffix(4);
  if (stem.ends_with(".postgres") || stem.ends_with(".sqlite")) {
    const bool wanted = stem.ends_with(".postgres") == (kind == engine::postgres);
    if (!wanted)
      return std::nullopt;
    stem = stem.substr(0, stem.rfind('.'));
  }
  migration m;
  const auto [end, bad] = std::from_chars(stem.data(), stem.data() + stem.size(), m.version);
  if (bad != std::errc{} || *end != '_')
    throw std::logic_error("a migration's file is named NNNN_what.sql, not " + std::string(file.name));
  m.name = std::string(end + 1, stem.data() + stem.size());
  m.sql = file.bytes;
  m.checksum = sha256_hex(file.bytes);
  return m;
}

} // namespace

std::vector<migration> migrations_for(engine kind) {
  std::vector<migration> history;
  for (const embedded_file& file : migration_files())
    if (auto m = read_file(file, kind))
      history.push_back(std::move(*m));
  std::sort(history.begin(), history.end(), [](const auto& a, const auto& b) { return a.version < b.version; });
  return history;
}

std::vector<migration_state> migrate(db& on, std::span<const migration> history, unix_time now) {
  std::vector<migration_state> fresh;
  for (const migration& m : history) {
    const bool applied_now = on.transaction([&] {
      on.lock(migration_lock);
      on.script("migrate.make_table", make_table);
      const auto done = list_applied(on); // again in each step: another server may be doing the same
      demand_same_history(history, done);
      if (std::any_of(done.begin(), done.end(), [&](const applied& a) { return a.state.version == m.version; }))
        return false;
      on.script("migration " + std::to_string(m.version) + " (" + m.name + ")", m.sql);
      on.exec(note_migration, m.version, m.name, m.checksum, now);
      return true;
    });
    if (applied_now)
      fresh.push_back({m.version, m.name, now});
  }
  return fresh;
}

std::vector<migration_state> migrate(db& on, unix_time now) {
  const auto history = migrations_for(on.kind());
  if (is_up_to_date(on))
    return {};
  return migrate(on, history, now);
}

std::vector<migration_state> migration_status(db& on) {
  const auto done = list_applied(on);
  std::vector<migration_state> all;
  for (const migration& m : migrations_for(on.kind())) {
    const auto known =
        std::find_if(done.begin(), done.end(), [&](const applied& a) { return a.state.version == m.version; });
    all.push_back(known == done.end() ? migration_state{m.version, m.name, std::nullopt} : known->state);
  }
  for (const applied& a : done)
    if (std::none_of(all.begin(), all.end(), [&](const auto& s) { return s.version == a.state.version; }))
      all.push_back(a.state);
  return all;
}

bool is_up_to_date(db& on) {
  const auto history = migrations_for(on.kind());
  const auto done = list_applied(on);
  demand_same_history(history, done);
  return done.size() == history.size();
}

} // namespace lyceum::storage

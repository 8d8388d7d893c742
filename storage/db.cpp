// SPDX-License-Identifier: Apache-2.0
#include "storage/db.hpp"

#include "storage/engines.hpp"

namespace lyceum::storage {
namespace {

std::string named(std::string_view query_name, std::string_view what) {
  if (query_name.empty())
    return std::string(what);
  return std::string(query_name) + ": " + std::string(what);
}

bool is_postgres(std::string_view url) {
  return url.starts_with("postgres://") || url.starts_with("postgresql://");
}

} // namespace

error::error(std::string_view query_name, std::string_view what)
    : std::runtime_error(named(query_name, what)), query_(query_name) {}

void db::enter(bool writing) {
  if (depth_ != 0)
    throw std::logic_error("a transaction inside a transaction");
  begin(writing);
  depth_ = 1;
}

void db::leave(bool keep) {
  if (keep && fence_ && !fence_())
    throw interrupted("", "the worker was replaced before it could commit");
  commit();
  depth_ = 0;
}

engine engine_of(std::string_view url) {
  if (is_postgres(url))
    return engine::postgres;
  if (const auto scheme = url.find("://"); scheme != std::string_view::npos)
    throw error("",
                "the database \"" + without_password(url) + "\" is neither sqlite:PATH, a path, nor postgresql://…");
  return engine::sqlite;
}

std::string without_password(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos)
    return std::string(url);
  const auto from = scheme + 3;
  const auto end = std::min(url.find_first_of("/?", from), url.size());
  const auto at = url.substr(0, end).rfind('@');
  std::string shown(url);
  if (at != std::string_view::npos && at > from) {
    const auto colon = url.find(':', from);
    if (colon < at)
      shown.replace(colon, at - colon, ":***");
  }
  // libpq also takes it as a parameter.
  if (const auto key = shown.find("password="); key != std::string::npos) {
    const auto stop = shown.find('&', key);
    shown.replace(key + 9, stop == std::string::npos ? std::string::npos : stop - key - 9, "***");
  }
  return shown;
}

std::unique_ptr<db> open(std::string_view url, mode how, const limits& waits) {
  if (engine_of(url) == engine::postgres)
    return open_postgres(std::string(url), how, waits);
  if (url.starts_with("sqlite:"))
    url.remove_prefix(7);
  if (url.empty())
    throw error("", "the database has no path: write sqlite:PATH");
  return open_sqlite(std::string(url), how, waits);
}

} // namespace lyceum::storage

// SPDX-License-Identifier: Apache-2.0
// What is asked of a database, and what it answers with. Knows no engine.
#pragma once

#include "storage/model/time.hpp"

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace lyceum::storage {

/// One statement: `$1 … $n` placeholders in a text for both engines. The name stands in logs, timings and errors, and is the
/// statement's key in the cache of prepared ones, so it is unique in the program.
struct query {
  std::string_view name;
  const char* text;
  const char* sqlite_text = nullptr; ///< only where the engines truly differ; a line beside it says why
};

/// A value for a placeholder. Text is borrowed: it lives as long as the call.
using parameter = std::variant<std::monostate, std::int64_t, double, bool, std::string_view>;

inline parameter to_parameter(std::nullopt_t) {
  return std::monostate{};
}
inline parameter to_parameter(unix_time t) {
  return micros(t);
}
template <std::same_as<bool> T>
parameter to_parameter(T flag) {
  return flag;
}
template <std::integral T>
requires(!std::same_as<T, bool>) parameter to_parameter(T number) {
  return static_cast<std::int64_t>(number);
}
template <std::floating_point T>
parameter to_parameter(T number) {
  return static_cast<double>(number);
}
inline parameter to_parameter(std::string_view text) {
  return text;
}
template <class T>
parameter to_parameter(const std::optional<T>& maybe) {
  return maybe ? to_parameter(*maybe) : parameter{};
}

/// A row of an answer, valid inside the reader that it is handed to. Columns count from 0, in the order of the SELECT.
/// Reading a NULL gives zero, false or an empty text; `is_null` and the `maybe_` forms tell them apart.
class row {
public:
  virtual ~row() = default;
  virtual bool is_null(int column) const = 0;
  virtual std::int64_t integer(int column) const = 0;
  virtual double real(int column) const = 0;
  virtual bool flag(int column) const = 0;
  /// Valid until the reader returns.
  virtual std::string_view view(int column) const = 0;

  std::string text(int column) const { return std::string(view(column)); }
  unix_time time(int column) const { return from_micros(integer(column)); }
  int small(int column) const { return static_cast<int>(integer(column)); }
  std::optional<std::string> maybe_text(int column) const {
    return is_null(column) ? std::nullopt : std::optional(text(column));
  }
  std::optional<std::int64_t> maybe_integer(int column) const {
    return is_null(column) ? std::nullopt : std::optional(integer(column));
  }
  std::optional<unix_time> maybe_time(int column) const {
    return is_null(column) ? std::nullopt : std::optional(time(column));
  }
};

} // namespace lyceum::storage

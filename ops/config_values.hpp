// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ops/config.hpp"

#include <cstdint>

/// How the text of a setting becomes a value; used by config.cpp alone. Each error names who gave the value, and the rule.
namespace lyceum {

/// What a key's reader is given besides the config: the value, and the folder that relative paths start from.
struct value_source {
  const setting& given;
  const std::filesystem::path& folder;

  const std::string& text() const { return given.values.back(); }
  tl::unexpected<problem> wrong(std::string_view rule) const {
    return fail(problem::kind::invalid, given.origin + ": " + given.key + " " + std::string(rule));
  }
  std::filesystem::path path() const { return (folder / text()).lexically_normal(); }
};
using outcome = expected<bool>; // its value says nothing

std::optional<std::uint64_t> whole_number(std::string_view text);
outcome read_bool(bool& into, const value_source& from);
outcome read_count(std::size_t& into, const value_source& from, std::uint64_t least, std::uint64_t most);
/// 67108864, "64 MiB"; B, KiB, MiB, GiB.
outcome read_bytes(std::size_t& into, const value_source& from, std::uint64_t least);
/// "500ms", "4s", "2m".
outcome read_time(std::chrono::milliseconds& into, const value_source& from);
outcome read_log_level(log_level& into, const value_source& from);
outcome read_log_format(log_format& into, const value_source& from);
outcome read_path(std::filesystem::path& into, const value_source& from);

using reader = outcome (*)(config&, const value_source&);

/// A key, and how its text becomes a value.
struct key_row {
  config_key key;
  reader read;
};

/// The keys of mail.
std::span<const key_row> mail_keys();
/// What is wrong with the settings of mail taken together; empty: nothing.
std::string mail_fault(const config&);

} // namespace lyceum

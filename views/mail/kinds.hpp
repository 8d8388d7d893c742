// SPDX-License-Identifier: Apache-2.0
// Which mails there are, and what each is told. Private to views/.
#pragma once

#include <span>
#include <string_view>
#include <vector>

namespace lyceum::views::mail {

enum class member_kind {
  text,    ///< words, a name, an address
  minutes, ///< a whole number; shown as "15 minutes"
  moment,  ///< unix microseconds; shown as day and time at the school
  day,     ///< "2026-11-25"; shown as a day
  link,    ///< an address of the school's own
  flag,    ///< true or false
  facts,   ///< an array of objects with `label` and `value`
  lines,   ///< an array of texts
};

struct member {
  std::string_view name;
  member_kind what;
  bool may_be_absent = false; ///< absent, null or empty: the template has an answer to that
};

struct kind {
  std::string_view name;
  std::vector<member> members;
  std::string_view sample; ///< details to try it with
};

/// In order of name.
std::span<const kind> kinds();

/// nullptr where there is none.
const kind* find_kind(std::string_view name);

/// Of the school in the samples' links.
inline constexpr std::string_view sample_base_url = "https://school.example";

} // namespace lyceum::views::mail

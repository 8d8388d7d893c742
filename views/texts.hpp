// SPDX-License-Identifier: Apache-2.0
// What the interface itself says, by language. A language more is a file more in texts/ and a row in texts.cpp.
#pragma once

#include "storage/model/time.hpp"

#include <chrono>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lyceum::views {

/// Key to text. A `{name}` in a text is replaced by phrase().
using text_table = std::map<std::string_view, std::string_view>;

/// Languages that the interface speaks, English first.
std::vector<std::string_view> interface_languages();

/// The language that the interface speaks on a page in `language`: itself, a wider one ("de" for "de-at"), else English.
std::string_view interface_language(std::string_view language);

/// Every text in the interface language of `language`; English where a table lacks one.
const text_table& texts_in(std::string_view language);

/// One text with its `{names}` replaced. Throws std::out_of_range for a key that English lacks.
std::string phrase(std::string_view language, std::string_view key,
                   std::initializer_list<std::pair<std::string_view, std::string>> values = {});

/// phrase() of "<key>_one" or "<key>_other", with {n}.
std::string counted(std::string_view language, std::string_view key, int n);

/// "8 min", "1 h 5 min".
std::string minutes(std::string_view language, int n);

/// "2:30", "1:02:05": a film's length.
std::string clock_time(std::chrono::seconds);

/// "PT2M30S": for machines.
std::string iso_duration(std::chrono::seconds);

/// "23 November 2026", on the calendar of `timezone` (IANA; UTC where it is not known).
std::string date_text(std::string_view language, unix_time, std::string_view timezone);

/// "14:05", by the clocks of `timezone` (UTC where it is not known).
std::string time_text(unix_time, std::string_view timezone);

/// "2026-11-23", on the calendar of `timezone`.
std::string iso_date(unix_time, std::string_view timezone);

/// "2026-11-23T09:30:00Z".
std::string iso_time(unix_time);

/// "Mon, 23 Nov 2026 09:30:00 +0000" (RFC 822 as RSS 2.0 asks, with four digits of the year).
std::string rfc822_time(unix_time);

} // namespace lyceum::views

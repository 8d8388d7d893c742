// SPDX-License-Identifier: Apache-2.0
// A mail's details as plain texts, and a template filled with them. Private to views/.
#pragma once

#include "storage/model/expected.hpp"
#include "views/mail.hpp"
#include "views/mail/source.hpp"

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace lyceum::views::mail {

struct value;
using scope = std::map<std::string, value, std::less<>>;

/// A flag, a plain text (one line, without control characters), or a list.
struct value {
  std::variant<bool, std::string, std::vector<scope>> is;
};

/// Characters of one text of the details; what is longer ends in "…".
inline constexpr std::size_t text_characters_max = 500;
/// Rows of one list of the details; what comes after is left out.
inline constexpr std::size_t rows_max = 100;
/// A subject, which also has to be a header line.
inline constexpr std::size_t subject_characters_max = 200;

/// Text as one line: line ends, tabs and runs of blanks become one blank; control characters and those that turn the direction
/// of what follows them are dropped (Unicode TR 36, 2.5.1: bidirectional spoofing); what is longer is cut.
std::string plain_line(std::string_view text, std::size_t characters_max = text_characters_max);

/// The address itself where it is one of `base_url` (http or https) and holds nothing but what RFC 3986 admits; else empty.
std::string own_link(std::string_view address, std::string_view base_url);

/// The details of a mail as its template may show them, and `site`, `site_url`.
///   invalid  no JSON object, too long, or a member that is missing or of another kind; `detail` names it
expected<scope> read_values(const kind&, const mail_site&, std::string_view language, std::string_view details);

/// A line with its values in place.
struct filled_line {
  line_kind what = line_kind::paragraph;
  std::string label; ///< of a fact, or empty
  std::string text;
  std::string link; ///< of a button
};

struct filled {
  std::string subject;
  std::string preview;
  std::vector<filled_line> lines; ///< without subject, preview and sections
};

filled fill(const source&, const scope& values);

} // namespace lyceum::views::mail

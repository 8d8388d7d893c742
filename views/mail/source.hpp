// SPDX-License-Identifier: Apache-2.0
// A mail's template: Mustache, restricted to lines that a writer of text and a writer of HTML both understand. It is taken
// apart before any value is known, and values are put into the parts: so no value can become a line, a button or a tag.
// Private to views/.
//
//     subject: {{code}} is your code      the first that applies; one stands outside of every section
//     preview: …                          what a list of mails shows beside the subject
//     # …                                 a heading
//     [button] Label -> {{link}}          leads to a link among the details, and to nothing else
//     [code] {{code}}                     a line to select and copy
//     - Label: …                          a fact; without ": " a line of a list
//     -- …                                why one gets this mail
//     {{#name}} {{^name}} {{/name}}       alone on their lines: where there is a value, where there is none, for each of a list
//     {{! … }}                            a remark, alone on its line
//
// All else is a paragraph, up to an empty line or a line of another kind.
#pragma once

#include "views/mail/kinds.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace lyceum::views::mail {

enum class line_kind {
  subject,
  preview,
  heading,
  paragraph,
  button,
  code,
  fact,
  footer,
  section,
  section_without,
  end
};

/// Literal text, or the name of a value.
struct piece {
  bool is_name = false;
  std::string text;
};
using pieces = std::vector<piece>;

struct source_line {
  line_kind what = line_kind::paragraph;
  pieces label; ///< of a button; of a fact that has one
  pieces text;
  std::string name{};  ///< what a section asks for; a button's link
  std::size_t end = 0; ///< of a section: index of its last line
};

struct source {
  std::vector<source_line> lines;
};

struct source_fault {
  int line = 1;
  std::string what;
};

/// `strict`: a name that the mail's details lack is a fault; without it such a name gives nothing (a theme may be older than
/// the program).
tl::expected<source, source_fault> parse(std::string_view text, const kind& of, bool strict);

} // namespace lyceum::views::mail

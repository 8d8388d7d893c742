// SPDX-License-Identifier: Apache-2.0
// A filled mail as plain text and as HTML. Private to views/.
#pragma once

#include "views/mail/values.hpp"

#include <string>
#include <string_view>

namespace lyceum::views::mail {

/// Where a line of the text ends at the latest, if a word's end is near enough.
inline constexpr std::size_t text_columns = 72;

std::string write_text(const filled&, const mail_site&);

/// A whole document in `language`; nothing in it is fetched.
std::string write_html(const filled&, const mail_site&, std::string_view language);

} // namespace lyceum::views::mail

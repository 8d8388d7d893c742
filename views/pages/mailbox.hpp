// SPDX-License-Identifier: Apache-2.0
// A developer's mailbox: mails that were kept instead of being sent. In English, as the console is.
#pragma once

#include "views/pages.hpp"

#include <string>
#include <vector>

namespace lyceum::views {

/// A line of the list.
struct mailbox_row {
  std::string url;
  std::string subject;
  std::string to;
  std::string template_name;
  unix_time kept_at{};
};

/// One mail, as it would have left.
struct mailbox_mail {
  mailbox_row row;
  std::string from;
  std::string html_url; ///< of its HTML by itself; empty: it has none
  std::string text;
  std::string source;
};

/// Where the mailbox is.
inline constexpr const char* mailbox_url = "/dev/mailbox";

std::string mailbox_page(const site_view&, const std::vector<mailbox_row>& newest_first);
/// With the links that its text holds, so that one click follows them.
std::string mailbox_mail_page(const site_view&, const mailbox_mail&);

/// The http and https addresses in a text, each once, in their order; at most 20.
std::vector<std::string> links_of(std::string_view text);

} // namespace lyceum::views

// SPDX-License-Identifier: Apache-2.0
// Mails as texts: a subject, plain text and HTML, from one source each.
#pragma once

#include "storage/model/expected.hpp"
#include "views/theme.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace lyceum::views {

/// What every mail says of the school.
struct mail_site {
  std::string title;
  std::string base_url; ///< no slash at its end
  std::string language; ///< of the school: for mails that state none
  std::string timezone; ///< IANA; for times in texts
  std::string accent{}; ///< as in site.toml; ours where it is empty, or a word that views/mail/colour.hpp does not know
};

struct mail_text {
  std::string subject;
  std::string text; ///< UTF-8, lines of at most about 72 columns where words allow
  std::string html; ///< a whole document without anything to fetch
};

/// The mail of a template in a language (the nearest that there is), with the values of `details`, a JSON object whose members the
/// template names.
///   not_found  no such template
///   invalid    no JSON object, a value that the template needs is missing, or one is of another kind (a link must be an address
///              below `base_url`, http or https); `detail` names it
expected<mail_text> render_mail(const theme& look, const mail_site& site, std::string_view template_name,
                                std::string_view language, std::string_view details);

/// What can be sent, in order of name, each with details to try it with.
struct mail_sample {
  std::string template_name;
  std::string details;
};
std::vector<mail_sample> mail_samples();

} // namespace lyceum::views

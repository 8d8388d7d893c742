// SPDX-License-Identifier: Apache-2.0
// Every mail with its sample, and with as little as it may be told.
#pragma once

#include "views/mail.hpp"

#include <string>
#include <vector>

namespace lyceum::views::samples {

struct mail_case {
  std::string name; ///< of the template
  std::string variant;
  std::string details;
};

/// Each sample as it is ("full"), without what may be absent ("bare"), and with its flags turned round ("turned").
std::vector<mail_case> all_mails();

mail_site mail_school();

} // namespace lyceum::views::samples

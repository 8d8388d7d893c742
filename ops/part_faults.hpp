// SPDX-License-Identifier: Apache-2.0
// A route that makes a part of the tree fail on purpose, and mails that do, for tests; in `lyceum-with-faults` only (see http/routes/faults.hpp).
#pragma once

#include "http/router.hpp"
#include "storage/model/mail.hpp"
#include "supervision/system.hpp"
#include "views/mail.hpp"

namespace lyceum {

///   /__fault/part?path=P            the worker at P throws, as from a handler of its own: it spends its supervisor's budget
///   /__fault/part?path=P&spin=MS    it computes for MS ms (at most 60,000) and cannot be interrupted
/// 200 once it has been told to; 404 where P is no worker; 503 with Retry-After while none lives there.
http::route_list part_faults(supervision::system& tree);

/// Words of a mail without templates: the template's name as its subject, then its details. "throws" throws; "refused" is refused.
expected<views::mail_text> mail_faults(storage::db&, const mail_draft& what, const std::string& details);

/// Instead of what SNS's URLs lead to: the file that FAULTS_WEBHOOK_CERTIFICATE names.
expected<std::string> fetch_faults(const std::string& url);

} // namespace lyceum

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "http/routes/visit.hpp"

#include <string>
#include <string_view>

namespace lyceum::http {

/// What the secret of an account is sealed for.
std::string totp_context(id account_id);

/// Takes a code of the account's authenticator, or one of its recovery codes, each once. Counts no failures: the caller does.
bool accepts_second_factor(const visit&, const account&, std::string_view typed);

} // namespace lyceum::http

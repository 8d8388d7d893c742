// SPDX-License-Identifier: Apache-2.0
#include "http/routes/second_factors.hpp"

#include "storage/second_factor.hpp"
#include "storage/totp.hpp"

namespace lyceum::http {

std::string totp_context(id account_id) {
  return "totp " + std::to_string(account_id);
}

bool accepts_second_factor(const visit& here, const account& who, std::string_view typed) {
  if (!who.totp_secret)
    return false;
  if (const auto hash = storage::recovery_hash(typed); !hash.empty())
    return storage::second_factor::use_recovery_code(here.db, who.account_id, hash, here.asked.now).has_value();
  const auto secret = here.open_sealed(totp_context(who.account_id), *who.totp_secret);
  if (!secret)
    return false;
  const auto step = storage::totp_taken_step(*secret, typed, here.asked.now, who.totp_step);
  return step && storage::second_factor::accept_step(here.db, who.account_id, *step);
}

} // namespace lyceum::http

// SPDX-License-Identifier: Apache-2.0
#include "ops/sign_in_link.hpp"

#include "ops/grant_mail.hpp"
#include "storage/accounts.hpp"
#include "storage/model/mail_address.hpp"
#include "storage/secrets.hpp"
#include "storage/sign_in.hpp"

namespace lyceum {

namespace secrets = storage::secrets;

expected<std::string> make_sign_in_link(storage::db& db, const account& who, const std::string& base_url,
                                        std::string_view by, unix_time now) {
  const auto token = secrets::make_token();
  const auto nobody = [] {
    return secrets::hash_of_token(secrets::make_token());
  }; // no browser asked, and no code counts
  const auto asked = storage::sign_in::ask(
      db, {who.address, mail_language(db, who), "/", nobody(), {secrets::hash_of_token(token), nobody()}}, now,
      [&](storage::db& on) { storage::accounts::note(on, who.account_id, "link_made", "", by, now); });
  if (!asked)
    return tl::unexpected(asked.error());
  return base_url + "/sign-in/link/" + token;
}

expected<std::string> account_address(std::string_view typed) {
  const auto read = mail_address::parse(typed);
  if (!read)
    return tl::unexpected(read.error());
  auto address = address_for_mail(*read);
  if (!address)
    return fail(problem::kind::invalid, "Mail does not reach quotes, or letters beyond a to z, before the @.");
  return std::move(*address);
}

std::string audited_argument(const std::string& argument) {
  const auto at = argument.rfind('@');
  if (at == std::string::npos)
    return argument;
  const auto read = mail_address::parse(argument);
  return read ? read->masked() : "…" + argument.substr(at);
}

} // namespace lyceum

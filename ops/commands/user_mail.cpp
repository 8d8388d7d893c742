// SPDX-License-Identifier: Apache-2.0
#include "ops/commands/user_mail.hpp"

#include "ops/grant_mail.hpp"
#include "storage/accounts.hpp"
#include "storage/model/mail_address.hpp"
#include "storage/secrets.hpp"
#include "storage/sign_in.hpp"

#include <boost/json.hpp>

#include <fstream>
#include <sstream>

namespace lyceum {
namespace {

namespace json = boost::json;
namespace secrets = storage::secrets;

/// The first address in what a running server wrote of itself.
std::string bound_address(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  boost::system::error_code wrong;
  const auto read = json::parse(text.str(), wrong);
  const auto* listed = wrong || !read.is_object() ? nullptr : read.as_object().if_contains("listen");
  if (listed == nullptr || !listed->is_array() || listed->as_array().empty() || !listed->as_array()[0].is_string())
    return {};
  return std::string(listed->as_array()[0].as_string());
}

} // namespace

std::string site_address(const config& cfg) {
  if (!cfg.base_url.empty())
    return cfg.base_url;
  const auto bound = bound_address(cfg.run_dir() / "listen.json");
  return bound.empty() ? std::string() : default_base_url(bound);
}

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

} // namespace lyceum

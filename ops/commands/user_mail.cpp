// SPDX-License-Identifier: Apache-2.0
#include "ops/commands/user_mail.hpp"

#include "storage/accounts.hpp"
#include "storage/catalogue.hpp"
#include "storage/model/mail_address.hpp"
#include "storage/outbox.hpp"
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

std::string host_of(std::string_view base_url) {
  auto host = base_url.substr(base_url.find("://") + 3);
  if (host.starts_with('['))
    return std::string(host.substr(1, host.find(']') - 1));
  return std::string(host.substr(0, host.find_first_of(":/")));
}

std::string language_of(storage::db& db, const account& who) {
  if (!who.language.empty())
    return who.language;
  const auto site = storage::catalogue::find_site(db);
  return site && !site->language.empty() ? site->language : "en";
}

storage::also_of<grant> mail_about(const account& who, const std::string& base_url, unix_time now,
                                   const char* template_name, std::function<json::object(const grant&)> details) {
  if (base_url.empty() || !is_mail_address(who.address))
    return {};
  return [=](storage::db& db, const grant& of) {
    mail_draft draft;
    draft.recipient = who.address;
    draft.recipient_name = mail_header_fault(who.name).empty() ? who.name : "";
    draft.template_name = template_name;
    draft.cause = "grant:" + std::to_string(of.grant_id);
    draft.language = language_of(db, who);
    auto all = details(of);
    all["plan"] = of.plan;
    all["link"] = base_url + "/account";
    draft.details = json::serialize(all);
    if (const auto put = storage::outbox::put(db, draft, host_of(base_url), now); !put)
      throw storage::error("outbox.put", put.error().detail);
  };
}

} // namespace

std::string site_address(const config& cfg) {
  if (!cfg.base_url.empty())
    return cfg.base_url;
  const auto bound = bound_address(cfg.run_dir() / "listen.json");
  return bound.empty() ? std::string() : default_base_url(bound);
}

storage::also_of<grant> mail_about_gift(const account& who, const std::string& base_url, unix_time now) {
  return mail_about(who, base_url, now, "granted", [](const grant& of) {
    json::object all;
    if (of.expires_at)
      all["expires"] = std::to_string(micros(*of.expires_at));
    if (!of.note.empty())
      all["note"] = of.note;
    return all;
  });
}

storage::also_of<grant> mail_about_end(const account& who, const std::string& base_url, unix_time now) {
  return mail_about(who, base_url, now, "grant_ended", [now](const grant&) {
    return json::object{{"at", std::to_string(micros(now))}};
  });
}

expected<std::string> make_sign_in_link(storage::db& db, const account& who, const std::string& base_url,
                                        std::string_view by, unix_time now) {
  const auto token = secrets::make_token();
  const auto nobody = [] {
    return secrets::hash_of_token(secrets::make_token());
  }; // no browser asked, and no code counts
  const auto asked = storage::sign_in::ask(
      db, {who.address, language_of(db, who), "/", nobody(), {secrets::hash_of_token(token), nobody()}}, now,
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

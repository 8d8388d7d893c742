// SPDX-License-Identifier: Apache-2.0
#include "ops/grant_mail.hpp"

#include "storage/catalogue.hpp"
#include "storage/outbox.hpp"

#include <boost/json.hpp>

namespace lyceum {

std::string mail_language(storage::db& db, const account& who) {
  if (!who.language.empty())
    return who.language;
  const auto site = storage::catalogue::find_site(db);
  return site && !site->language.empty() ? site->language : "en";
}

namespace {

namespace json = boost::json;

std::string host_of(std::string_view base_url) {
  auto host = base_url.substr(base_url.find("://") + 3);
  if (host.starts_with('['))
    return std::string(host.substr(1, host.find(']') - 1));
  return std::string(host.substr(0, host.find_first_of(":/")));
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
    draft.language = mail_language(db, who);
    auto all = details(of);
    all["plan"] = of.plan;
    all["link"] = base_url + "/account";
    draft.details = json::serialize(all);
    if (const auto put = storage::outbox::put(db, draft, host_of(base_url), now); !put)
      throw storage::error("outbox.put", put.error().detail);
  };
}

} // namespace

storage::also_of<grant> mail_about_gift(const account& who, const std::string& base_url, unix_time now,
                                        bool shows_note) {
  return mail_about(who, base_url, now, "granted", [shows_note](const grant& of) {
    json::object all;
    if (of.expires_at)
      all["expires"] = std::to_string(micros(*of.expires_at));
    if (shows_note && !of.note.empty())
      all["note"] = of.note;
    return all;
  });
}

storage::also_of<grant> mail_about_end(const account& who, const std::string& base_url, unix_time now) {
  return mail_about(who, base_url, now, "grant_ended", [now](const grant&) {
    return json::object{{"at", std::to_string(micros(now))}};
  });
}

} // namespace lyceum

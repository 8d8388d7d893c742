// SPDX-License-Identifier: Apache-2.0
#include "ops/grant_mail.hpp"

#include "storage/catalogue.hpp"
#include "storage/grants.hpp"
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

storage::also_of<grant> mail_about(const account& who, const std::string& base_url, unix_time now,
                                   const char* template_name, const char* cause,
                                   std::function<json::object(const grant&)> details) {
  if (base_url.empty() || !is_mail_address(who.address))
    return {};
  return [=](storage::db& db, const grant& of) {
    mail_draft draft;
    draft.recipient = who.address;
    draft.recipient_name = mail_header_fault(who.name).empty() ? who.name : "";
    draft.template_name = template_name;
    draft.cause = cause + std::to_string(of.grant_id);
    draft.language = mail_language(db, who);
    auto all = details(of);
    all["plan"] = of.plan;
    all["link"] = base_url + "/account";
    draft.details = json::serialize(all);
    if (const auto put = storage::outbox::put(db, draft, message_id_host(base_url), now); !put)
      throw storage::error("outbox.put", put.error().detail);
  };
}

} // namespace

storage::also_of<grant> mail_about_gift(const account& who, const std::string& base_url, unix_time now,
                                        bool shows_note) {
  return mail_about(who, base_url, now, "granted", "grant:", [shows_note](const grant& of) {
    json::object all;
    if (of.expires_at)
      all["expires"] = std::to_string(micros(*of.expires_at));
    if (shows_note && !of.note.empty())
      all["note"] = of.note;
    return all;
  });
}

storage::also_of<grant> mail_about_end(const account& who, const std::string& base_url, unix_time now) {
  // The cause is that of a grant that ends by itself: of either one, one mail.
  const auto tell = mail_about(who, base_url, now, "grant_ended", "grant_ended:", [now](const grant&) {
    return json::object{{"at", std::to_string(micros(now))}};
  });
  if (!tell)
    return {};
  return [=](storage::db& db, const grant& of) {
    if (!of.expires_at || *of.expires_at > now)
      if (!storage::grants::has_plan(db, of.account_id, of.plan, now))
        tell(db, of);
  };
}

} // namespace lyceum

// SPDX-License-Identifier: Apache-2.0
#include "http/routes/account_mail.hpp"

#include "http/visitor.hpp"
#include "storage/accounts.hpp"
#include "storage/mail_details.hpp"
#include "storage/outbox.hpp"
#include "storage/secrets.hpp"
#include "views/texts.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <stdexcept>

namespace lyceum::http {
namespace {

namespace json = boost::json;
namespace secrets = storage::secrets;

std::string quoted(std::string_view text) {
  return json::serialize(json::string_view(text.data(), text.size()));
}

/// Codes are short, so what is kept of them needs a key that is not in the database: derived from the ring's, whichever is the newest.
/// A code that was mailed before a rotation is refused after it; a new mail helps.
std::string code_key(const storage::key_ring& ring) {
  const auto mac = ring.sign(storage::key_purpose::mail_link, ring.newest(), {"sign-in code"});
  return {reinterpret_cast<const char*>(mac->data()), mac->size()};
}

} // namespace

detail::detail(std::string_view name, std::string_view text) : text_(quoted(name) + ":" + quoted(text)) {}
detail::detail(std::string_view name, bool flag) : text_(quoted(name) + (flag ? ":true" : ":false")) {}
detail::detail(std::string_view name, int number) : text_(quoted(name) + ":" + std::to_string(number)) {}

std::string details(std::initializer_list<detail> all) {
  std::string out;
  for (const auto& one : all)
    out += (out.empty() ? "" : ",") + one.text();
  return "{" + out + "}";
}

std::string moment(unix_time at) {
  return std::to_string(micros(at));
}

std::string link_to(const visit& here, std::string_view path) {
  return here.frame.base_url + here.in_language(path);
}

mail_draft mail_to(const visit& here, const account& who, std::string template_name, std::string cause) {
  mail_draft draft;
  draft.recipient = who.address;
  draft.recipient_name = mail_header_fault(who.name).empty() ? who.name : "";
  draft.template_name = std::move(template_name);
  draft.cause = std::move(cause);
  draft.language = who.language.empty() ? here.view.site.language : who.language;
  return draft;
}

id put_mail(const visit& here, storage::db& db, const mail_draft& draft) {
  if (!is_mail_address(draft.recipient))
    return 0;
  const auto put = storage::outbox::put(db, draft, here.frame.mail_host, here.asked.now);
  if (!put)
    throw std::logic_error("a mail of template " + draft.template_name + ": " + put.error().detail);
  return put->number;
}

id put_mail(const visit& here, storage::db& db, mail_draft draft, std::string_view secret_details) {
  if (const auto sealed = storage::seal_details(draft, secret_details, *here.frame.keys); !sealed)
    throw std::logic_error("a mail of template " + draft.template_name + ": " + sealed.error().detail);
  return put_mail(here, db, draft);
}

mailed_proof make_proof(const visit& here, std::string_view browser_hash) {
  mailed_proof made{secrets::make_token(), secrets::make_code(), {}};
  made.kept = {secrets::hash_of_token(made.token), hash_of_typed_code(here, browser_hash, made.code)};
  return made;
}

std::string hash_of_typed_code(const visit& here, std::string_view browser_hash, std::string_view typed) {
  std::string digits;
  std::ranges::copy_if(typed, std::back_inserter(digits), [](char c) { return c != ' ' && c != '-'; });
  return secrets::hash_of_code(code_key(*here.frame.keys), browser_hash, digits);
}

id put_sign_in_mail(visit& here, storage::db& db, const std::string& address, const mailed_proof& proof) {
  const auto known = storage::accounts::find_by_address(db, address);
  mail_draft draft;
  draft.recipient = address;
  draft.template_name = "sign_in";
  draft.cause = "sign_in:" + std::to_string(make_id());
  draft.language = here.view.language;
  draft.urgency = mail_urgency::sign_in;
  draft.details = details({{"minutes", static_cast<int>(storage::sign_in::request_life.count())},
                           {"device", device_text(here.asked.field("User-Agent"))},
                           {"peer", masked_peer(here.asked.peer)},
                           {"new", !known}});
  return put_mail(here, db, std::move(draft),
                  details({{"link", link_to(here, "/sign-in/link/" + proof.token)}, {"code", proof.code}}));
}

void tell_of_outcome(const visit& here, storage::db& db, const storage::sign_in::outcome& done) {
  if (done.made) {
    auto draft = mail_to(here, done.who, "welcome", "account:" + std::to_string(done.who.account_id));
    draft.details = details({{"name", done.who.name}, {"link", link_to(here, "/courses")}});
    put_mail(here, db, draft);
  }
  if (done.changed) {
    auto draft = mail_to(here, done.who, "address_changed", "address:" + std::to_string(make_id()));
    draft.recipient = done.address_before;
    draft.details = details({{"old_address", done.address_before}, {"new_address", done.who.address}});
    put_mail(here, db, draft);
  }
}

std::string sealed(visit& here, const awaited_mail& what) {
  return here.seal("awaited " + here.browser(),
                   details({{"a", what.address}, {"m", std::to_string(what.number)}, {"t", what.to}}));
}

std::optional<awaited_mail> read_awaited(visit& here, std::string_view sealed) {
  const auto plain = here.open_sealed("awaited " + here.browser(), sealed);
  if (!plain)
    return std::nullopt;
  const auto read = json::parse(*plain).as_object();
  const auto text = [&](const char* name) { return std::string(read.at(name).as_string()); };
  return awaited_mail{text("a"), std::stoll(text("m")), text("t")};
}

views::delivery_view delivery_of(const visit& here, const awaited_mail& what) {
  const auto found = storage::outbox::find(here.db, what.number);
  auto told = views::delivery_words(here.view, found ? std::optional(*found) : std::nullopt, trouble_of(here));
  if (here.asked.local) // others are told 404 there
    told.mailbox = here.frame.mailbox;
  return told;
}

std::string trouble_of(const visit& here) {
  return here.frame.mail_trouble ? here.frame.mail_trouble() : std::string();
}

std::string say_wrong_code(const visit& here, const problem& why) {
  if (why.what != problem::kind::invalid || why.detail == "0")
    return here.say("code_gone");
  return views::counted(here.view.language, "code_wrong", std::stoi(why.detail));
}

} // namespace lyceum::http

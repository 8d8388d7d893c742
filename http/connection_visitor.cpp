// SPDX-License-Identifier: Apache-2.0
// Who asks: a cookie, the session table, and where that does not know, the database. Pages are found by what a visitor may see.
#include "http/answer.hpp"
#include "http/connection.hpp"
#include "http/cookies.hpp"
#include "storage/secrets.hpp"

namespace lyceum::http {
namespace {

constexpr std::int64_t use_pause_us = 60'000'000; // the database hears of a session's use once a minute
// Of those who read what is alike for all, so many are looked at, so that it hears of them, too: who reads only such pages, and
// without a script that asks `/me`, is seen within days, and a session lasts for two weeks.
constexpr std::uint32_t looks_one_in = 16;

} // namespace

visitor connection::recognise(const head& asked) const {
  visitor who;
  const auto& config = loop_.shared.config;
  if (asked.cookie.empty() || config.sessions == nullptr)
    return who;
  const auto token = find_cookie(asked.cookie, config.session_cookie);
  if (!token || !storage::secrets::is_token(*token))
    return who;
  who.what = visitor::is::somebody;
  who.token = *token;
  return who;
}

/// Looks whose the token is, where nobody has yet. Among many sessions that is a look into cold memory: a tenth of a hit.
void connection::look_at(visitor& who) const {
  if (who.what != visitor::is::somebody)
    return;
  who.hash = session_hash_of(storage::secrets::digest_of_token(who.token));
  who.token = {};
  const auto found = loop_.shared.config.sessions->find(who.hash, loop_.now_us());
  who.what = !found ? visitor::is::unknown : found->account == 0 ? visitor::is::guest : visitor::is::known;
  if (found)
    who.session = *found;
}

/// The page that a visitor gets at a path as it is usually sent; `key` is then its key. What is alike for all is for whoever asks.
page_table::found connection::find_page(visitor& who, std::string_view target, std::string_view& key) {
  key = target;
  if (who.what == visitor::is::somebody) {
    const auto alike = loop_.pages->find_alike(target, loop_.now_us());
    if (alike.what == nullptr || ++loop_.alike_hits % looks_one_in == 0)
      look_at(who);
    if (alike.what != nullptr || who.what == visitor::is::unknown)
      return alike;
  }
  if (who.what == visitor::is::guest)
    return loop_.pages->find(target, loop_.now_us());
  auto& own = loop_.tier_key;
  own.assign(loop_.shared.config.sessions->tier_text(who.session.tier)).append(target);
  key = own;
  return loop_.pages->find(own, loop_.now_us());
}

/// Once a minute the database hears that a session is in use (cache/session_table tells it).
void connection::note_use(const visitor& who) {
  if (who.what == visitor::is::known && who.session.touched_us + use_pause_us <= loop_.now_us())
    loop_.shared.config.sessions->touch(who.hash, loop_.now_us(), use_pause_us);
}

void connection::take_visitor(const visitor& who) {
  auto& x = *busy_;
  x.who = who;
  if (who.what != visitor::is::known)
    return;
  x.asked.account = who.session.account;
  x.asked.who = viewer_of_tier(loop_.shared.config.sessions->tier_text(who.session.tier)).value_or(viewer{});
}

/// Asks the database who this is, and goes on with `then`, or with the page.
void connection::ask_who(const io_route* then) {
  auto& x = *busy_;
  const auto& config = loop_.shared.config;
  x.for_known = then;
  x.asking = std::make_shared<identity>();
  auto reply = make_reply(x.lead_key);
  x.reply = reply;
  auto work = make_job(std::move(reply));
  work->run = [&config, answer = x.asking](const request& asked, storage::db* db) -> expected<response> {
    *answer = config.identify(asked.session, db, asked.now);
    return response{.status = 204}; // who reads `answer` has seen this
  };
  work->needs = db_use::reads;
  work->route = "session";
  stage_ = stage::answering;
  loop_.expect(*this, x.stale ? config.limits.stale_after : config.limits.answer);
  loop_.shared.way_in.enter(std::move(work));
}

/// The database has answered, or cannot. Of pages, somebody whom nobody can tell gets what a guest gets.
void connection::heard_who(const response& how) {
  auto& x = *busy_;
  const auto told = std::exchange(x.asking, nullptr);
  const bool heard = how.status == 204;
  if (heard && told->session.account != 0) {
    x.who.what = visitor::is::known;
    x.who.session = told->session;
    x.asked.account = told->session.account;
    x.asked.who = told->who;
  } else {
    x.who.what = visitor::is::guest;
  }
  if (x.row != nullptr && x.row->kept)
    return find_kept();
  if (!heard)
    return respond(response(how));
  if (x.row != nullptr)
    return enter();
  respond(answer_of(*x.for_known));
}

/// For a row whose pages are kept: the page under its own key, where the target wrote it in another way or has only now been told for
/// whom it is; else the handler.
void connection::find_kept() {
  auto& x = *busy_;
  x.alike_key = page_key(viewer{}, x.asked.path, x.asked.query, x.row->query);
  x.key = page_key(x.asked.who, x.asked.path, x.asked.query, x.row->query);
  if (x.lead_key.empty()) {
    const bool guest = x.key == x.alike_key;
    auto found =
        guest ? loop_.pages->find(x.key, loop_.now_us()) : loop_.pages->find_alike(x.alike_key, loop_.now_us());
    const auto* key = &x.alike_key;
    if (found.what == nullptr && !guest) {
      found = loop_.pages->find(x.key, loop_.now_us());
      key = &x.key;
    }
    if (found.what != nullptr && !found.lead)
      return respond_page(*found.what, kept_as::hit);
    if (found.lead) {
      x.stale = loop_.pages->hold(found.what);
      x.lead_key = *key;
    }
  }
  enter();
}

} // namespace lyceum::http

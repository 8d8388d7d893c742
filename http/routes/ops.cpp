// SPDX-License-Identifier: Apache-2.0
#include "http/routes/ops.hpp"
#include "http/routes/ops_accounts.hpp"
#include "http/routes/ops_frame.hpp"
#include "http/routes/ops_mail.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <mutex>

namespace lyceum::http {
namespace {

using namespace ops_frame;
using namespace std::chrono_literals;

constexpr std::size_t told_max = 64;
constexpr auto stream_life = 15min; // then it is opened anew, and the session looked at again

struct shared_desk {
  console_desk desk;
  std::mutex guard;
  std::map<std::string, std::string> told; ///< by session: what came of its last command, to be shown once
};
using desk_ptr = std::shared_ptr<shared_desk>;

response closed(const console_desk& desk) {
  return page(403, views::console_door_page(*desk.look(), false, {}));
}

// ---- in and out

response enter(const console_desk& desk, const request& asked) {
  const auto refuse = [&](int status, std::string_view why) {
    return page(status, views::console_door_page(*desk.look(), true, why));
  };
  if (!from_here(asked))
    return refuse(403, "This came from another site: nothing was done.");
  const auto cookie = desk.gate->enter(field(form_of(asked), "token"), asked.now);
  if (!cookie)
    return refuse(403, "This link has been used, or its five minutes are over. `lyceum ctl console` prints another.");
  auto made = see_other("/ops");
  made.headers.push_back({"Set-Cookie", cookie_line(is_secure(desk, asked), *cookie, passes::session_life)});
  return made;
}

response leave(const console_desk& desk, const request& asked, const operator_session& who) {
  desk.gate->sign_out(who, asked.now);
  desk.frames->end(who.id);
  auto made = see_other("/ops");
  made.headers.push_back({"Set-Cookie", cookie_line(is_secure(desk, asked), "", 0s)});
  return made;
}

// ---- looking

response console(const desk_ptr& at, const request& asked) {
  const auto who = session_of(at->desk, asked);
  if (!who)
    return closed(at->desk);
  std::string done;
  {
    std::lock_guard lock(at->guard);
    if (auto told = at->told.extract(who->id))
      done = std::move(told.mapped());
  }
  return page(200, views::console_page(*at->desk.look(), at->desk.state(), visitor_of(at->desk, asked, *who), done));
}

response ask_page(const console_desk& desk, const request& asked, const operator_session& who, const std::string& path,
                  const std::string& op, std::string_view wrong) {
  const auto what = desk.question(path, op);
  if (!what)
    return not_found();
  auto others = desk.commands(path);
  std::erase_if(others, [&](const auto& one) { return one.first == op; });
  return page(wrong.empty() ? 200 : 409,
              views::console_ask_page(*desk.look(), *what, visitor_of(desk, asked, who), wrong, others));
}

response impact(const console_desk& desk, const request& asked) {
  const auto what = desk.question(std::string(asked.query_value("path").value_or("")),
                                  std::string(asked.query_value("op").value_or("")));
  if (!what)
    return json_answer(404, {{"ok", false}});
  boost::json::array facts;
  for (const auto& [label, value] : what->facts)
    facts.push_back(boost::json::array{label, value});
  return json_answer(200, {{"title", what->title},
                           {"button", what->button},
                           {"facts", std::move(facts)},
                           {"generation", std::to_string(what->generation)},
                           {"named", what->named},
                           {"refused", what->refused}});
}

// ---- doing

void act(const desk_ptr& at, const request& asked, const operator_session& who,
         const std::map<std::string, std::string>& form, const reply_ptr& reply) {
  const bool by_script = asked.field("Accept") == "application/json";
  console_desk::order order{field(form, "path"), field(form, "op"), 0, who};
  const auto answer = [at, asked, who, order, by_script, reply](int status, const console_desk::outcome& got) {
    if (by_script)
      return reply->fulfil(json_answer(status, {{"ok", got.ok}, {"text", got.text}}));
    if (!got.ok)
      return reply->fulfil(ask_page(at->desk, asked, who, order.path, order.op, got.text));
    {
      std::lock_guard lock(at->guard);
      if (at->told.size() >= told_max)
        at->told.clear();
      at->told[who.id] = got.text;
    }
    return reply->fulfil(see_other("/ops"));
  };
  const auto what = at->desk.question(order.path, order.op);
  if (!what) {
    reply->fulfil(by_script ? json_answer(404, {{"ok", false}, {"text", "There is no such child any more."}})
                            : not_found());
    return;
  }
  const auto generation = field(form, "gen");
  std::from_chars(generation.data(), generation.data() + generation.size(), order.generation);
  if (who.role == operator_role::viewer)
    answer(403, {false, "Your session may look, and not change anything."});
  else if (!what->refused.empty())
    answer(409, {false, what->refused});
  else if (what->named && field(form, "name") != what->path)
    answer(409, {false, "The name that you typed is not " + what->path + ": nothing was done."});
  else
    at->desk.act(order, [answer](const console_desk::outcome& got) { answer(got.ok ? 200 : 409, got); });
}

std::function<response(const request&)> entered(const desk_ptr& at,
                                                std::function<response(const request&, const operator_session&)> then) {
  return [at, then = std::move(then)](const request& asked) {
    const auto who = session_of(at->desk, asked);
    return who ? then(asked, *who) : not_found();
  };
}

response own_asset(const console_desk& desk, const request& asked) {
  const auto look = desk.look();
  const auto* found = look->find_asset(std::string_view(asked.path).substr(asked.path.rfind('/') + 1));
  if (found == nullptr)
    return not_found();
  response made;
  made.content_type = found->content_type;
  made.body = found->bytes;
  made.cache.what = cache_rule::kind::immutable;
  return made;
}

} // namespace

std::vector<io_route> console_routes(console_desk given) {
  auto at = std::make_shared<shared_desk>();
  at->desk = std::move(given);
  const std::shared_ptr<const console_desk> entry(at, &at->desk);

  io_route home{"/ops", [at](const request& asked) { return console(at, asked); }};
  io_route slash{"/ops/", [](const request&) { return see_other("/ops"); }};
  // A link is followed by mail scanners and previews too: looking at it uses nothing up.
  io_route door{"/ops/enter",
                [at](const request&) { return page(200, views::console_door_page(*at->desk.look(), true, {})); }};
  door.act = [at](const request& asked, const reply_ptr& reply) { reply->fulfil(enter(at->desk, asked)); };
  io_route out{"/ops/leave"};
  out.act = guarded(entry, [at](const request& asked, const operator_session& who, const auto&,
                                const reply_ptr& reply) { reply->fulfil(leave(at->desk, asked, who)); });
  io_route in{"/ops/session", [at](const request& asked) {
                response made;
                made.status = session_of(at->desk, asked) ? 204 : 403;
                return made;
              }};
  io_route ask{"/ops/ask", entered(at, [at](const request& asked, const operator_session& who) {
                 return ask_page(at->desk, asked, who, std::string(asked.query_value("path").value_or("")),
                                 std::string(asked.query_value("op").value_or("")), {});
               })};
  io_route weigh{"/ops/impact", [at](const request& asked) {
                   return session_of(at->desk, asked) ? impact(at->desk, asked) : json_answer(403, {{"ok", false}});
                 }};
  io_route order{"/ops/act"};
  order.act = guarded(entry, [at](const request& asked, const operator_session& who, const auto& form,
                                  const reply_ptr& reply) { act(at, asked, who, form, reply); });
  io_route events{"/ops/events"};
  events.stream = [at](const request& asked) -> std::variant<response, stream_opening> {
    const auto who = session_of(at->desk, asked);
    if (!who)
      return not_found();
    const auto left = std::chrono::duration_cast<std::chrono::steady_clock::duration>(who->until - asked.now);
    return stream_opening{at->desk.frames, who->id,
                          std::chrono::steady_clock::now() +
                              std::min<std::chrono::steady_clock::duration>(left, stream_life)};
  };
  io_route assets{"/assets/ops.*", [at](const request& asked) { return own_asset(at->desk, asked); }};
  std::vector<io_route> all{home, slash, door, out, in, ask, weigh, order, events, assets};
  if (at->desk.data.ask) {
    std::ranges::move(account_routes(entry), std::back_inserter(all));
    std::ranges::move(mail_routes(entry), std::back_inserter(all));
  }
  return all;
}

} // namespace lyceum::http

// SPDX-License-Identifier: Apache-2.0
#include "http/routes/ops.hpp"

#include "http/target.hpp"

#include <boost/json.hpp>

#include <charconv>
#include <map>
#include <mutex>

namespace lyceum::http {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t told_max = 64;
constexpr auto stream_life = 15min; // then it is opened anew, and the session looked at again

// `__Host-` needs Secure and the whole path, and nothing but this very host can set it. Without TLS a browser refuses such a
// cookie, so there it has a plain name, and is sent to the console alone.
constexpr std::string_view secure_cookie = "__Host-ops";
constexpr std::string_view plain_cookie = "lyceum-ops";

struct shared_desk {
  console_desk desk;
  std::mutex guard;
  std::map<std::string, std::string> told; ///< by session: what came of its last command, to be shown once
};
using desk_ptr = std::shared_ptr<shared_desk>;

response page(int status, std::string html) {
  response made;
  made.status = status;
  made.body = std::move(html);
  made.headers.push_back({"X-Robots-Tag", "noindex"});
  return made; // `no-store`, as all that is not kept
}

response json_answer(int status, const boost::json::value& what) {
  response made;
  made.status = status;
  made.content_type = "application/json";
  made.body = boost::json::serialize(what) + "\n";
  return made;
}

response see_other(std::string where) {
  response made;
  made.status = 303;
  made.content_type = "text/plain; charset=utf-8";
  made.body = "See " + where + "\n";
  made.headers.push_back({"Location", std::move(where)});
  return made;
}

bool is_secure(const console_desk& desk, const request& asked) {
  return !desk.secure_host.empty() && iequals(asked.field("Host"), desk.secure_host);
}

std::string cookie_line(bool secure, std::string_view value, std::chrono::seconds life) {
  std::string line(secure ? secure_cookie : plain_cookie);
  line.append("=").append(value).append("; Max-Age=").append(std::to_string(life.count()));
  return line.append(secure ? "; Path=/; Secure" : "; Path=/ops").append("; HttpOnly; SameSite=Strict");
}

std::optional<operator_session> session_of(const console_desk& desk, const request& asked) {
  const auto wanted = is_secure(desk, asked) ? secure_cookie : plain_cookie;
  for (const auto& [name, value] : asked.headers) {
    if (!iequals(name, "Cookie"))
      continue;
    for (std::string_view rest = value; !rest.empty();) {
      const auto end = std::min(rest.find(';'), rest.size());
      auto one = rest.substr(0, end);
      rest.remove_prefix(std::min(end + 1, rest.size()));
      one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
      if (one.size() > wanted.size() && one.starts_with(wanted) && one[wanted.size()] == '=')
        if (auto found = desk.gate->find(one.substr(wanted.size() + 1), asked.now))
          return found;
    }
  }
  return std::nullopt;
}

/// A browser says where a post comes from; what is not a browser has neither header, and needs the form's token all the same.
bool from_here(const request& asked) {
  if (const auto site = asked.field("Sec-Fetch-Site"); !site.empty() && site != "same-origin")
    return false;
  const auto origin = asked.field("Origin");
  if (origin.empty())
    return true;
  const auto host = std::string(asked.field("Host"));
  return iequals(origin, "http://" + host) || iequals(origin, "https://" + host);
}

/// The fields of a form, decoded as a query is.
std::map<std::string, std::string> form_of(const request& asked) {
  std::map<std::string, std::string> fields;
  if (const auto read = read_query(asked.body))
    for (const auto& [name, value] : *read)
      fields.emplace(name, value);
  return fields;
}

std::string field(const std::map<std::string, std::string>& form, const char* name) {
  const auto at = form.find(name);
  return at == form.end() ? std::string() : at->second;
}

views::console_visitor visitor_of(const console_desk& desk, const request& asked, const operator_session& who) {
  return {"Session " + who.id, who.csrf, who.role != operator_role::viewer,
          !is_secure(desk, asked) && asked.peer != "127.0.0.1" && asked.peer != "::1"};
}

response closed(const console_desk& desk) {
  return page(403, views::console_door_page(*desk.look(), false, {}));
}

response not_found() {
  return answer_for({problem::kind::not_found, {}});
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

/// A post of somebody who has entered, from a page of ours.
std::function<void(const request&, reply_ptr)>
guarded(const desk_ptr& at, std::function<void(const request&, const operator_session&,
                                               const std::map<std::string, std::string>&, const reply_ptr&)>
                                then) {
  return [at, then = std::move(then)](const request& asked, const reply_ptr& reply) {
    const auto who = session_of(at->desk, asked);
    if (!who) {
      reply->fulfil(not_found());
      return;
    }
    const auto form = form_of(asked);
    if (!from_here(asked) || !passes::same(field(form, "csrf"), who->csrf)) {
      reply->fulfil(
          json_answer(403, {{"ok", false}, {"text", "This did not come from the console: nothing was done."}}));
      return;
    }
    then(asked, *who, form, reply);
  };
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

  io_route home{"/ops", [at](const request& asked) { return console(at, asked); }};
  io_route slash{"/ops/", [](const request&) { return see_other("/ops"); }};
  // A link is followed by mail scanners and previews too: looking at it uses nothing up.
  io_route door{"/ops/enter",
                [at](const request&) { return page(200, views::console_door_page(*at->desk.look(), true, {})); }};
  door.act = [at](const request& asked, const reply_ptr& reply) { reply->fulfil(enter(at->desk, asked)); };
  io_route out{"/ops/leave"};
  out.act = guarded(at, [at](const request& asked, const operator_session& who, const auto&, const reply_ptr& reply) {
    reply->fulfil(leave(at->desk, asked, who));
  });
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
  order.act = guarded(at, [at](const request& asked, const operator_session& who, const auto& form,
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
  return {home, slash, door, out, in, ask, weigh, order, events, assets};
}

} // namespace lyceum::http

// SPDX-License-Identifier: Apache-2.0
#include "http/routes/ops_frame.hpp"

#include "http/target.hpp"

#include <boost/json.hpp>

#include <algorithm>
#include <utility>

namespace lyceum::http::ops_frame {
namespace {

// `__Host-` needs Secure and the whole path, and nothing but this very host can set it. Without TLS a browser refuses such a
// cookie, so there it has a plain name, and is sent to the console alone.
constexpr std::string_view secure_cookie = "__Host-ops";
constexpr std::string_view plain_cookie = "lyceum-ops";

} // namespace

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

bool from_here(const request& asked) {
  if (const auto site = asked.field("Sec-Fetch-Site"); !site.empty() && site != "same-origin")
    return false;
  const auto origin = asked.field("Origin");
  if (origin.empty())
    return true;
  const auto host = std::string(asked.field("Host"));
  return iequals(origin, "http://" + host) || iequals(origin, "https://" + host);
}

form form_of(const request& asked) {
  form fields;
  if (const auto read = read_query(asked.body))
    for (const auto& [name, value] : *read)
      fields.emplace(name, value);
  return fields;
}

std::string field(const form& of, const char* name) {
  const auto at = of.find(name);
  return at == of.end() ? std::string() : at->second;
}

views::console_visitor visitor_of(const console_desk& desk, const request& asked, const operator_session& who) {
  return {"Session " + who.id, who.csrf, who.role != operator_role::viewer,
          !is_secure(desk, asked) && asked.peer != "127.0.0.1" && asked.peer != "::1"};
}

response not_found() {
  return answer_for({problem::kind::not_found, {}});
}

std::function<void(const request&, reply_ptr)>
guarded(std::shared_ptr<const console_desk> desk,
        std::function<void(const request&, const operator_session&, const form&, const reply_ptr&)> then) {
  return [desk = std::move(desk), then = std::move(then)](const request& asked, const reply_ptr& reply) {
    const auto who = session_of(*desk, asked);
    if (!who) {
      reply->fulfil(not_found());
      return;
    }
    const auto fields = form_of(asked);
    if (!from_here(asked) || !passes::same(field(fields, "csrf"), who->csrf)) {
      reply->fulfil(
          json_answer(403, {{"ok", false}, {"text", "This did not come from the console: nothing was done."}}));
      return;
    }
    then(asked, *who, fields, reply);
  };
}

} // namespace lyceum::http::ops_frame

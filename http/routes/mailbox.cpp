// SPDX-License-Identifier: Apache-2.0
// A developer's mailbox, for visitors on this machine alone. Its pages ask no database.
#include "http/routes/routes.hpp"

#include "views/pages/mailbox.hpp"

#include <charconv>

namespace lyceum::http {
namespace {

// The list looks again by itself, without a script.
constexpr const char* list_refresh_s = "3";

// As every page's, and a frame of ours may stand in it.
constexpr const char* page_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'";
// A mail may style itself and holds no script; whatever it holds can neither run nor fetch anything.
constexpr const char* mail_policy =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox";

/// HTML under a policy of its own: the type stands among the headers, since by `content_type` it would get every page's policy.
response html_under(const char* policy, std::string html) {
  response made;
  made.content_type.clear();
  made.headers = {{"Content-Type", "text/html; charset=utf-8"}, {"Content-Security-Policy", policy}};
  made.body = std::move(html);
  return made;
}

views::site_view view_of(const site_frame& frame, const request& asked) {
  views::site_view view;
  view.look = frame.look();
  view.site = frame.known->get();
  view.base_url = frame.base_url;
  view.language = "en";
  view.now = asked.now;
  return view;
}

std::string url_of(const kept_mail& mail) {
  return std::string(views::mailbox_url) + "/" + std::to_string(mail.number);
}

views::mailbox_row row_of(const kept_mail& mail) {
  return {url_of(mail), mail.subject, mail.to, mail.template_name, mail.kept_at};
}

response show_list(const site_frame& frame, const development_mailbox& box, const request& asked) {
  std::vector<views::mailbox_row> rows;
  for (const auto& one : box.list())
    rows.push_back(row_of(*one));
  auto made = html_under(page_policy, views::mailbox_page(view_of(frame, asked), rows));
  made.headers.push_back({"Refresh", list_refresh_s});
  return made;
}

expected<std::shared_ptr<const kept_mail>> mail_of(const development_mailbox& box, const request& asked) {
  const auto text = asked.param("number");
  id number = 0;
  const auto [end, bad] = std::from_chars(text.data(), text.data() + text.size(), number);
  auto found = bad == std::errc{} && end == text.data() + text.size() ? box.find(number) : nullptr;
  if (!found)
    return fail(problem::kind::not_found, "mail");
  return found;
}

response show_mail(const site_frame& frame, const kept_mail& mail, const request& asked) {
  return html_under(page_policy,
                    views::mailbox_mail_page(view_of(frame, asked),
                                             {row_of(mail), mail.from, mail.html.empty() ? "" : url_of(mail) + "/html",
                                              mail.text, mail.source}));
}

/// A browser says where a post comes from; other pages on this machine's ports are other sites.
bool from_here(const request& asked) {
  if (const auto site = asked.field("Sec-Fetch-Site"); !site.empty() && site != "same-origin")
    return false;
  const auto origin = asked.field("Origin");
  return origin.empty() || iequals(origin, "http://" + std::string(asked.field("Host"))) ||
         iequals(origin, "https://" + std::string(asked.field("Host")));
}

expected<response> clear(development_mailbox& box, const request& asked) {
  if (!from_here(asked))
    return fail(problem::kind::forbidden, "This came from another site: nothing was done.");
  box.clear();
  response made;
  made.status = 303;
  made.headers.push_back({"Location", views::mailbox_url});
  return made;
}

route local_route(std::string method, std::string below, handler run) {
  route made;
  made.method = std::move(method);
  made.pattern = views::mailbox_url + below;
  made.run = std::move(run);
  made.needs = db_use::none;
  made.allowed = who::local;
  return made;
}

} // namespace

route_list mailbox_routes(const site_frame& frame, development_mailbox& box) {
  return {
      local_route("GET", "", [&](const request& asked, storage::db*) { return show_list(frame, box, asked); }),
      local_route("GET", "/:number",
                  [&](const request& asked, storage::db*) {
                    return mail_of(box, asked).map([&](const auto& mail) { return show_mail(frame, *mail, asked); });
                  }),
      local_route("GET", "/:number/html",
                  [&](const request& asked, storage::db*) {
                    return mail_of(box, asked).map([](const auto& mail) {
                      return html_under(mail_policy, mail->html);
                    });
                  }),
      local_route("POST", "/clearing", [&](const request& asked, storage::db*) { return clear(box, asked); }),
  };
}

} // namespace lyceum::http

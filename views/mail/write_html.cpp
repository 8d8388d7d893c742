// SPDX-License-Identifier: Apache-2.0
#include "views/mail/write.hpp"

#include "views/escape.hpp"
#include "views/languages.hpp"
#include "views/mail/colour.hpp"

namespace lyceum::views::mail {
namespace {

void replace_all(std::string& in, std::string_view what, std::string_view with) {
  for (auto at = in.find(what); at != std::string::npos; at = in.find(what, at + with.size()))
    in.replace(at, what.size(), with);
}

/// Colours as hexadecimal digits and sizes in pixels: what the oldest mail programs read. Those that turn colours round by
/// themselves are told that this mail knows both.
constexpr std::string_view style = R"css(
:root { color-scheme: light dark; supported-color-schemes: light dark; }
body { margin: 0; padding: 0; background: LIGHT-PAPER; color: #1d1f24; -webkit-text-size-adjust: 100%;
  font-family: Charter, "Iowan Old Style", Georgia, "Noto Serif", "DejaVu Serif", serif; font-size: 17px; line-height: 1.6; }
.sheet { max-width: 560px; margin: 0 auto; padding: 32px 20px 40px; overflow-wrap: break-word; word-break: break-word; }
.school { margin: 0 0 28px; padding: 0 0 12px; border-bottom: 2px solid LIGHT-ACCENT; }
h1 { margin: 0 0 16px; font-size: 26px; line-height: 1.25; font-weight: 650; }
p { margin: 0 0 16px; }
ul { margin: 0 0 20px; padding: 0; list-style: none; }
li { margin: 0; padding: 6px 0; border-bottom: 1px solid #e3e0d9; }
li:last-child { border-bottom: 0; }
a { color: inherit; }
.school, .school a, .label, .address, .address a, .foot, .foot a { color: #565962; }
.school, .label, .button, .address, .foot { font-family: -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif; }
.school { font-size: 15px; font-weight: 600; }
.school a { text-decoration: none; }
.label { font-size: 14px; }
.button { margin: 24px 0 8px; }
.button a { display: inline-block; padding: 12px 24px; border-radius: 8px; background: LIGHT-ACCENT; color: #fdfcfa;
  font-size: 16px; font-weight: 600; line-height: 20px; text-decoration: none; }
.address { margin: 0 0 24px; font-size: 13px; line-height: 1.5; word-break: break-all; }
.code { margin: 0 0 20px; padding: 12px 20px; border-radius: 8px; background: #f1efea; font-size: 28px; line-height: 1.3;
  font-family: Menlo, Consolas, "DejaVu Sans Mono", monospace; letter-spacing: 0.12em; }
.code span { -webkit-user-select: all; user-select: all; }
.foot { margin: 36px 0 0; padding: 16px 0 0; border-top: 1px solid #e3e0d9; font-size: 14px; line-height: 1.5; }
.foot p { margin: 0 0 8px; }
@media (prefers-color-scheme: dark) {
  body { background: DARK-PAPER !important; color: #e6e3dd !important; }
  .school { border-bottom-color: DARK-ACCENT !important; }
  .school, .school a, .label, .address, .address a, .foot, .foot a { color: #abaeb7 !important; }
  li, .foot { border-color: #373b43 !important; }
  .button a { background: DARK-ACCENT !important; color: #16181d !important; }
  .code { background: #22252c !important; }
}
)css";

/// What shows beside the subject in a list of mails, and nowhere in the mail.
constexpr std::string_view unseen = "display:none;max-height:0;overflow:hidden;mso-hide:all";

std::string filled_style(std::string_view colour) {
  const auto accents = accent_of(colour);
  std::string out{style};
  replace_all(out, "LIGHT-PAPER", light_paper);
  replace_all(out, "DARK-PAPER", dark_paper);
  replace_all(out, "LIGHT-ACCENT", accents.light);
  replace_all(out, "DARK-ACCENT", accents.dark);
  return out;
}

std::string anchor(std::string_view address, std::string_view words) {
  return "<a href=\"" + escaped(address) + "\">" + escaped(words) + "</a>";
}

std::string fact(const filled_line& line) {
  if (line.label.empty())
    return "<li>" + escaped(line.text) + "</li>\n";
  return "<li><span class=\"label\">" + escaped(line.label) + ":</span> " + escaped(line.text) + "</li>\n";
}

} // namespace

std::string write_html(const filled& mail, const mail_site& site, std::string_view language) {
  const std::string title = plain_line(site.title);
  std::string out = "<!doctype html>\n<html lang=\"" + escaped(canonical_tag(language)) + "\" dir=\"" +
                    std::string{direction(language)} +
                    "\">\n<head>\n<meta charset=\"utf-8\">\n"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                    "<meta name=\"color-scheme\" content=\"light dark\">\n"
                    "<meta name=\"supported-color-schemes\" content=\"light dark\">\n<title>" +
                    escaped(mail.subject) + "</title>\n<style>" + filled_style(site.accent) +
                    "</style>\n</head>\n<body>\n";
  if (!mail.preview.empty())
    out.append("<div style=\"").append(unseen).append("\">").append(escaped(mail.preview)).append("</div>\n");
  out += "<div class=\"sheet\">\n<p class=\"school\">" + anchor(site.base_url, title) + "</p>\n";
  auto before = line_kind::end;
  for (const auto& line : mail.lines) {
    if (before == line_kind::fact && line.what != line_kind::fact)
      out += "</ul>\n";
    switch (line.what) {
    case line_kind::heading:
      out += "<h1>" + escaped(line.text) + "</h1>\n";
      break;
    case line_kind::fact:
      out += (before == line_kind::fact ? "" : "<ul>\n") + fact(line);
      break;
    case line_kind::button:
      out += "<p class=\"button\">" + anchor(line.link, line.text) + "</p>\n<p class=\"address\">" +
             anchor(line.link, line.link) + "</p>\n";
      break;
    case line_kind::code:
      out += "<p class=\"code\"><span>" + escaped(line.text) + "</span></p>\n";
      break;
    case line_kind::footer:
      break;
    default:
      out += "<p>" + escaped(line.text) + "</p>\n";
    }
    before = line.what;
  }
  if (before == line_kind::fact)
    out += "</ul>\n";
  out += "<div class=\"foot\">\n";
  for (const auto& line : mail.lines)
    if (line.what == line_kind::footer)
      out += "<p>" + escaped(line.text) + "</p>\n";
  out += "<p>" + escaped(title) + "<br>" + anchor(site.base_url, site.base_url) +
         "</p>\n</div>\n</div>\n</body>\n</html>\n";
  return out;
}

} // namespace lyceum::views::mail

// SPDX-License-Identifier: Apache-2.0
#include "actors/smtp_dialogue.hpp"

#include "storage/words.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace lyceum {
namespace {

using result = delivery::result;

constexpr std::size_t reply_bytes_max = 300;
constexpr std::size_t reason_bytes_max = 500;

// What strangers wrote, fit for a row, a log and a page.
std::string cleaned(std::string_view text, std::size_t bytes_max) {
  std::string out;
  while (!text.empty() && out.size() < bytes_max) {
    const auto bad = storage::first_bad_utf8(text);
    out += text.substr(0, bad.value_or(text.size()));
    if (!bad)
      break;
    out += '?';
    text.remove_prefix(*bad + 1);
  }
  if (out.size() > bytes_max) {
    out.resize(bytes_max);
    if (const auto cut = storage::first_bad_utf8(out))
      out.resize(*cut);
  }
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = ' ';
  return out;
}

std::string_view step_words(smtp_step step) {
  switch (step) {
  case smtp_step::connecting:
    return "while connecting";
  case smtp_step::greeting:
    return "before its greeting";
  case smtp_step::hello:
    return "after our greeting";
  case smtp_step::start_tls:
    return "at STARTTLS";
  case smtp_step::log_in:
    return "while logging in";
  case smtp_step::sender:
    return "at the sender";
  case smtp_step::recipient:
    return "at the recipient";
  case smtp_step::data:
    break;
  }
  return "at the text";
}

// "550 5.1.1 …": the second and third figure, after whichever class.
bool says_dead_address(std::string_view reply) {
  constexpr std::array<std::string_view, 6> dead{"1.1", "1.2", "1.3", "1.6", "1.10", "2.1"};
  if (reply.size() < 6 || reply.substr(3, 3) != " 5.")
    return false;
  const auto figures = reply.substr(6, reply.find_first_not_of("0123456789.", 6) - 6);
  return std::find(dead.begin(), dead.end(), figures) != dead.end();
}

delivery judged_by_reply(const smtp_dialogue& told, std::string_view recipient) {
  const int code = told.code();
  const std::string& reply = told.reply();
  const std::string who(recipient);
  const bool never = code >= 500;
  if (told.step() < smtp_step::sender) {
    if (told.step() == smtp_step::log_in)
      return never ? delivery{result::misconfigured, "does not accept the user or the password: " + reply}
                   : delivery{result::unreachable, "cannot log us in now: " + reply};
    return {result::unreachable, "does not serve us " + std::string(step_words(told.step())) + ": " + reply};
  }
  // Of no recipient yet: too much mail for the host, or a fault of its own.
  if (told.step() == smtp_step::sender && code >= 400 && code < 500)
    return {result::unreachable, "takes no mail now: " + reply};
  if (code == 421 || (code < 500 && code >= 400))
    return {result::deferred, "defers " + who + " " + std::string(step_words(told.step())) + ": " + reply};
  if (code == 530)
    return {result::misconfigured, "wants a login first (user and password are set for the mail host?): " + reply};
  if (told.step() == smtp_step::sender && code != 552)
    return {result::misconfigured, "does not accept the sender: " + reply};
  if (!never) // a reply of no meaning here: 2xx or 3xx where none was due
    return {result::deferred, "answered out of turn " + std::string(step_words(told.step())) + ": " + reply};
  return {result::refused, "refuses " + who + " " + std::string(step_words(told.step())) + ": " + reply,
          told.step() == smtp_step::recipient && says_dead_address(reply)};
}

delivery judged_without_reply(const smtp_dialogue& told, smtp_end how, std::string_view detail) {
  const std::string where(step_words(told.step()));
  const std::string more = detail.empty() ? "" : " (" + std::string(detail) + ")";
  if (told.whole())
    return {result::uncertain,
            (how == smtp_end::late ? "did not answer in time after the whole text: it may have arrived"
                                   : "was cut off after the whole text: it may have arrived") +
                more};
  const result early = told.step() <= smtp_step::sender ? result::unreachable : result::deferred;
  switch (how) {
  case smtp_end::no_address:
    return {result::unreachable, "has no address: look at its name, and at this machine's DNS" + more};
  case smtp_end::no_connection:
    return {result::unreachable, "cannot be connected to: is it up, and its port open from here?" + more};
  case smtp_end::no_tls:
    return {result::misconfigured, "offers no STARTTLS: use its TLS port, or another host" + more};
  case smtp_end::bad_tls:
    return {result::misconfigured, "has no certificate that we trust for this name, or speaks no TLS there" + more};
  case smtp_end::bad_log_in:
    return {result::misconfigured, "offers no way to log in that we know" + more};
  case smtp_end::late:
    return {early, "did not answer in time " + where + more};
  case smtp_end::interrupted:
    return {result::interrupted, "was given up by us " + where + more};
  case smtp_end::cut:
    return {early, "was cut off " + where + more};
  case smtp_end::answered:
  case smtp_end::broken:
    break;
  }
  return {early, "failed " + where + more};
}

} // namespace

void smtp_dialogue::connected() {
  if (step_ == smtp_step::connecting)
    step_ = smtp_step::greeting;
}

void smtp_dialogue::said(std::string_view line) {
  constexpr std::array<std::pair<std::string_view, smtp_step>, 7> commands{{
      {"EHLO", smtp_step::hello},
      {"HELO", smtp_step::hello},
      {"STARTTLS", smtp_step::start_tls},
      {"AUTH", smtp_step::log_in},
      {"MAIL", smtp_step::sender},
      {"RCPT", smtp_step::recipient},
      {"DATA", smtp_step::data},
  }};
  if (step_ == smtp_step::log_in && code_ == 334) { // what follows is a secret, whatever it looks like
    code_ = 0;
    return;
  }
  const auto word = line.substr(0, line.find_first_of(" \r\n"));
  over_ = over_ || word == "QUIT";
  if (over_)
    return;
  for (const auto& [command, step] : commands)
    if (word == command) {
      step_ = step;
      code_ = 0;
      reply_.clear();
      return;
    }
}

void smtp_dialogue::heard(std::string_view line) {
  if (over_)
    return;
  ++lines_heard_;
  connected();
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
    line.remove_suffix(1);
  if (line.size() < 3 || !std::all_of(line.begin(), line.begin() + 3, [](char c) { return c >= '0' && c <= '9'; }))
    return;
  const int code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
  if (code == code_ && line.size() > 4) // a further line of the same reply
    reply_ = cleaned(reply_ + " " + std::string(line.substr(4)), reply_bytes_max);
  else
    reply_ = cleaned(
        line.size() > 3 && line[3] == '-' ? std::string(line.substr(0, 3)) + " " + std::string(line.substr(4)) : line,
        reply_bytes_max);
  code_ = code;
}

delivery judged(const smtp_dialogue& told, smtp_end how, std::string_view host, std::string_view recipient,
                std::string_view detail) {
  // 354 is the leave to send the text, 2xx was a step that went well: neither ends a dialogue.
  const bool ended_by_reply = told.code() >= 400 && how != smtp_end::interrupted && how != smtp_end::bad_tls;
  delivery out = ended_by_reply ? judged_by_reply(told, recipient) : judged_without_reply(told, how, detail);
  out.reason = cleaned("the mail host " + std::string(host) + " " + out.reason, reason_bytes_max);
  return out;
}

} // namespace lyceum

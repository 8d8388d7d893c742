// SPDX-License-Identifier: Apache-2.0
// The outbox's columns as a value. For storage/outbox*.cpp alone.
#pragma once

#include "storage/db.hpp"
#include "storage/model/mail.hpp"

#include <string>

namespace lyceum::storage::outbox {

// Spelled once, for what is read and what is returned. The order is read_mail's.
#define LYCEUM_MAIL_COLUMNS                                                                                            \
  " id, recipient, recipient_name, template_name, cause, language, details, list_unsubscribe, urgency, message_id,"    \
  " state, reason, tries, orphaned, next_at, give_up_at, holder, leased_until, created_at, updated_at, sent_at "

/// For lists, which show nothing of what a mail says.
#define LYCEUM_MAIL_COLUMNS_WITHOUT_DETAILS                                                                            \
  " id, recipient, recipient_name, template_name, cause, language, '', list_unsubscribe, urgency, message_id,"         \
  " state, reason, tries, orphaned, next_at, give_up_at, holder, leased_until, created_at, updated_at, sent_at "

inline mail read_mail(const row& r) {
  mail m;
  m.number = r.integer(0);
  m.what.recipient = r.text(1);
  m.what.recipient_name = r.text(2);
  m.what.template_name = r.text(3);
  m.what.cause = r.text(4);
  m.what.language = r.text(5);
  m.what.details = r.text(6);
  m.what.list_unsubscribe = r.text(7);
  m.what.urgency = static_cast<mail_urgency>(r.small(8));
  m.message_id = r.text(9);
  m.state = mail_state_of(r.view(10)).value();
  m.reason = r.text(11);
  m.tries = r.small(12);
  m.orphaned = r.small(13);
  m.next_at = r.maybe_time(14);
  m.give_up_at = r.time(15);
  m.holder = r.text(16);
  m.leased_until = r.maybe_time(17);
  m.created_at = r.time(18);
  m.updated_at = r.time(19);
  m.sent_at = r.maybe_time(20);
  return m;
}

/// Runs `work` in a transaction: the caller's, where there is one.
template <class Work>
auto within(db& on, Work&& work) {
  return on.in_transaction() ? work() : on.transaction(work);
}

} // namespace lyceum::storage::outbox

// SPDX-License-Identifier: MIT
#pragma once

#include <gabion/version.hpp>

// Command, query and event bus; event store and aggregates; projections; HTTP conventions.
#include <gabion/cqrs/aggregate.hpp>
#include <gabion/cqrs/aggregate_store.hpp>
#include <gabion/cqrs/append.hpp>
#include <gabion/cqrs/breaker_guard.hpp>
#include <gabion/cqrs/checkpoint_store.hpp>
#include <gabion/cqrs/command_bus.hpp>
#include <gabion/cqrs/command_context.hpp>
#include <gabion/cqrs/command_log.hpp>
#include <gabion/cqrs/conflict_retry.hpp>
#include <gabion/cqrs/consistency_token.hpp>
#include <gabion/cqrs/deadline_guard.hpp>
#include <gabion/cqrs/dispatch_events.hpp>
#include <gabion/cqrs/etag.hpp>
#include <gabion/cqrs/event_bus.hpp>
#include <gabion/cqrs/event_store.hpp>
#include <gabion/cqrs/event_subscription.hpp>
#include <gabion/cqrs/event_types.hpp>
#include <gabion/cqrs/expected_version.hpp>
#include <gabion/cqrs/handle.hpp>
#include <gabion/cqrs/http.hpp>
#include <gabion/cqrs/http_status.hpp>
#include <gabion/cqrs/idempotency.hpp>
#include <gabion/cqrs/message_kind.hpp>
#include <gabion/cqrs/message_list.hpp>
#include <gabion/cqrs/message_name.hpp>
#include <gabion/cqrs/middlewares.hpp>
#include <gabion/cqrs/observation.hpp>
#include <gabion/cqrs/open_bus.hpp>
#include <gabion/cqrs/problem.hpp>
#include <gabion/cqrs/projection.hpp>
#include <gabion/cqrs/projection_events.hpp>
#include <gabion/cqrs/projection_progress.hpp>
#include <gabion/cqrs/projector.hpp>
#include <gabion/cqrs/projector_options.hpp>
#include <gabion/cqrs/promote.hpp>
#include <gabion/cqrs/publish_error.hpp>
#include <gabion/cqrs/query_bus.hpp>
#include <gabion/cqrs/result_traits.hpp>
#include <gabion/cqrs/unit_of_work.hpp>
#include <gabion/cqrs/validation.hpp>

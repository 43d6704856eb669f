//! Shared tests, which run on every database. Each test gets an empty database and stops the services that it starts.

mod answers;
mod reservations;
mod spans;

pub(crate) use answers::*;
pub(crate) use reservations::*;
pub(crate) use spans::*;

/// Passes the name of every shared test to the macro `$run`, so that a new test runs on each database.
macro_rules! for_each_claim {
    ($run:ident $(, $argument:ident)?) => {
        $run! {
            $($argument:)?
            check_answers_stock_and_price,
            unknown_item_is_404_for_both,
            slow_warehouse_delays_its_check_and_no_reservation,
            corrupt_row_is_500_and_the_next_request_is_served,
            reservation_takes_requested_quantity,
            more_than_there_is_takes_nothing,
            repeated_order_gets_its_first_answer,
            known_order_with_other_content_is_409,
            released_order_returns_its_stock_once,
            released_order_reserves_nothing_later,
            releases_beside_reservations_leave_stock_exact,
            two_hundred_orders_for_a_hundred_give_exactly_a_hundred,
            fifty_repeats_at_once_take_once_and_answer_the_same,
            one_order_for_two_items_at_once_takes_one,
            services_that_start_together_share_one_stock,
            stock_and_reservations_outlive_a_restart,
            old_probe_row_is_removed_at_start,
            invalid_values_are_400_and_named,
            malformed_bodies_are_problems,
            other_paths_and_methods_are_problems,
            broken_database_is_500_without_its_words_and_not_ready,
            every_query_is_a_client_span_without_its_values,
            failed_query_names_the_databases_own_code,
        }
    };
}
pub(crate) use for_each_claim;

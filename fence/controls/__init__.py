"""Register the controls: fences with one deliberate defect each.

A control shows that the harness can tell a guard from its absence. Each is one of this project's fences
with one defect, and names the violation that must show it and the scenario. The defects are from
real proposals and programs. `fence.FENCES` lists the controls, too.
"""

from __future__ import annotations

__all__ = ["CONTROLS"]

#: Maps a name to ``module:Class``.
CONTROLS: dict[str, str] = {
    "pr-84046-without-dev-inode": "fence.controls.without_dev_inode:WithoutDevInode",
    "pr-84046-without-birth-time": "fence.controls.without_birth_time:WithoutBirthTime",
    "pr-84046-without-size": "fence.controls.without_size:WithoutSize",
    "pr-84046-without-snapshot-consistency": (
        "fence.controls.without_snapshot_consistency:WithoutSnapshotConsistency"
    ),
    "pr-84046-without-slow-path-consistency": (
        "fence.controls.without_slow_path_consistency:WithoutSlowPathConsistency"
    ),
    "pr-84046-without-prefix-hash": "fence.controls.without_prefix_hash:WithoutPrefixHash",
    "pr-84046-without-canonical-entries": "fence.controls.without_canonical_entries:WithoutCanonicalEntries",
    "pr-84046-without-snapshot-after-throw": (
        "fence.controls.without_snapshot_after_throw:WithoutSnapshotAfterThrow"
    ),
    "pr-84046-snapshot-retried": "fence.controls.pr_84046_snapshot_retried:SnapshotRetried",
    "pr-84046-path-for-file": "fence.controls.pr_84046_path_for_file:PathForFile",
    "pr-84046-hash-of-last-4-kib": "fence.controls.pr_84046_hash_of_last_4_kib:HashOfLast4Kib",
    "pr-84046-hash-of-first-4-kib": "fence.controls.pr_84046_hash_of_first_4_kib:HashOfFirst4Kib",
    "pr-84046-line-count": "fence.controls.pr_84046_line_count:LineCount",
    "pr-84046-last-id": "fence.controls.pr_84046_last_id:LastId",
    "pr-84046-parses-foreign-lines": "fence.controls.pr_84046_parses_foreign_lines:ParsesForeignLines",
    "stat-size-only": "fence.controls.stat_size_only:StatSizeOnly",
    "stat-whole-seconds": "fence.controls.stat_whole_seconds:StatWholeSeconds",
    "stat-without-ctime": "fence.controls.stat_without_ctime:StatWithoutCtime",
    "stat-baseline-after-unlock": "fence.controls.stat_baseline_after_unlock:StatBaselineAfterUnlock",
    "stat-needs-a-file": "fence.controls.stat_needs_a_file:StatNeedsAFile",
    "stat-baseline-lost-by-throw": "fence.controls.stat_baseline_lost_by_throw:StatBaselineLostByThrow",
    "stat-trusts-last-owner": "fence.controls.stat_trusts_last_owner:StatTrustsLastOwner",
    "issue-84071-a-refreshed-after-unlock": (
        "fence.controls.issue_84071_a_refreshed_after_unlock:RefreshedAfterUnlock"
    ),
    "ledger-refreshed-after-write": "fence.controls.ledger_refreshed_after_write:LedgerRefreshedAfterWrite",
    "ledger-flag-kept-over-turns": "fence.controls.ledger_flag_kept_over_turns:LedgerFlagKeptOverTurns",
    "ledger-flag-per-process": "fence.controls.ledger_flag_per_process:LedgerFlagPerProcess",
    "ledger-time-out-is-takeover": "fence.controls.ledger_time_out_is_takeover:LedgerTimeOutIsTakeover",
    "ledger-robs-paused-holder": "fence.controls.ledger_robs_paused_holder:LedgerRobsPausedHolder",
    "ledger-lock-left-behind": "fence.controls.ledger_lock_left_behind:LedgerLockLeftBehind",
    "ledger-look-before-lock": "fence.controls.ledger_look_before_lock:LedgerLookBeforeLock",
    "ledger-lock-let-go-between": "fence.controls.ledger_lock_let_go_between:LedgerLockLetGoBetween",
    "ledger-heals-itself": "fence.controls.ledger_heals_itself:LedgerHealsItself",
    "ledger-recovers-flag-only": "fence.controls.ledger_recovers_flag_only:LedgerRecoversFlagOnly",
    "ledger-blind-after-recovery": "fence.controls.ledger_blind_after_recovery:LedgerBlindAfterRecovery",
    "ledger-per-process": "fence.controls.ledger_per_process:LedgerPerProcess",
    "ledger-cotenant-silent": "fence.controls.ledger_cotenant_silent:LedgerCotenantSilent",
    "ledger-cotenant-looks": "fence.controls.ledger_cotenant_looks:LedgerCotenantLooks",
    "ledger-written-after-unlock": "fence.controls.ledger_written_after_unlock:LedgerWrittenAfterUnlock",
    "ledger-load-refreshes-all": "fence.controls.ledger_load_refreshes_all:LedgerLoadRefreshesAll",
    "ledger-blind-rewrite": "fence.controls.ledger_blind_rewrite:LedgerBlindRewrite",
    "ledger-looks-at-kept-file": "fence.controls.ledger_looks_at_kept_file:LedgerLooksAtKeptFile",
    "ledger-appends-to-kept-file": "fence.controls.ledger_appends_to_kept_file:LedgerAppendsToKeptFile",
    "ledger-believes-stat": "fence.controls.ledger_believes_stat:LedgerBelievesStat",
    "ledger-ignores-torn-line": "fence.controls.ledger_ignores_torn_line:LedgerIgnoresTornLine",
    "ledger-baseline-of-first-turn": "fence.controls.ledger_baseline_of_first_turn:LedgerBaselineOfFirstTurn",
    "ledger-takes-ctime-for-change": "fence.controls.ledger_takes_ctime_for_change:LedgerTakesCtimeForChange",
    "ledger-acknowledges-early": "fence.controls.ledger_acknowledges_early:LedgerAcknowledgesEarly",
    "ledger-checks-before-write": "fence.controls.ledger_checks_before_write:LedgerChecksBeforeWrite",
    "ledger-late-is-takeover": "fence.controls.ledger_late_is_takeover:LedgerLateIsTakeover",
    "ledger-waits-for-itself": "fence.controls.ledger_waits_for_itself:LedgerWaitsForItself",
    "none-remembered-offset": "fence.controls.none_remembered_offset:NoneRememberedOffset",
    "none-writes-its-copy-back": "fence.controls.none_writes_its_copy_back:NoneWritesItsCopyBack",
    "none-cached-load": "fence.controls.none_cached_load:NoneCachedLoad",
    "none-loads-once": "fence.controls.none_loads_once:NoneLoadsOnce",
    "lock-released-twice": "fence.controls.lock_released_twice:LockReleasedTwice",
    "lock-unlinked-at-time-out": "fence.controls.lock_unlinked_at_time_out:LockUnlinkedAtTimeOut",
    "lock-empty-is-stale": "fence.controls.lock_empty_is_stale:LockEmptyIsStale",
    "lock-neighbour-is-orphan": "fence.controls.lock_neighbour_is_orphan:LockNeighbourIsOrphan",
    "lock-grace-too-short": "fence.controls.lock_grace_too_short:LockGraceTooShort",
    "lock-interrupted-is-held": "fence.controls.lock_interrupted_is_held:LockInterruptedIsHeld",
    "ledger-robs-the-dead": "fence.controls.ledger_robs_the_dead:LedgerRobsTheDead",
    "lock-dead-is-held": "fence.controls.lock_dead_is_held:LockDeadIsHeld",
    "lock-renamed-into-place": "fence.controls.lock_renamed_into_place:LockRenamedIntoPlace",
    "ledger-refuses-at-load": "fence.controls.ledger_refuses_at_load:LedgerRefusesAtLoad",
    "ledger-reports-twice": "fence.controls.ledger_reports_twice:LedgerReportsTwice",
    "ledger-cotenant-cries-wolf": "fence.controls.ledger_cotenant_cries_wolf:LedgerCotenantCriesWolf",
    "none-writes-then-refuses": "fence.controls.none_writes_then_refuses:NoneWritesThenRefuses",
    "none-writes-twice": "fence.controls.none_writes_twice:NoneWritesTwice",
    "none-rewrite-does-nothing": "fence.controls.none_rewrite_does_nothing:NoneRewriteDoesNothing",
    "none-keeps-last-lines": "fence.controls.none_keeps_last_lines:NoneKeepsLastLines",
    "none-trims-at-release": "fence.controls.none_trims_at_release:NoneTrimsAtRelease",
    "none-summary-beside-lines": "fence.controls.none_summary_beside_lines:NoneSummaryBesideLines",
    "none-load-times-out": "fence.controls.none_load_times_out:NoneLoadTimesOut",
    "ledger-counts-to-eight": "fence.controls.ledger_counts_to_eight:LedgerCountsToEight",
    "none-moves-aside": "fence.controls.none_moves_aside:NoneMovesAside",
    "none-writes-past-the-lock": "fence.controls.none_writes_past_the_lock:NoneWritesPastTheLock",
    "none-acquires-nothing": "fence.controls.none_acquires_nothing:NoneAcquiresNothing",
    "ledger-time-out-in-disguise": "fence.controls.ledger_time_out_in_disguise:LedgerTimeOutInDisguise",
    "ledger-stale-in-disguise": "fence.controls.ledger_stale_in_disguise:LedgerStaleInDisguise",
    "pr-84046-sorted-lines": "fence.controls.pr_84046_sorted_lines:SortedLines",
    "pr-84046-skips-first-byte": "fence.controls.pr_84046_skips_first_byte:SkipsFirstByte",
    "pr-84046-skips-last-byte": "fence.controls.pr_84046_skips_last_byte:SkipsLastByte",
    "ledger-counts-lines-once": "fence.controls.ledger_counts_lines_once:LedgerCountsLinesOnce",
    "ledger-decodes-text": "fence.controls.ledger_decodes_text:LedgerDecodesText",
    "pr-84046-role-by-substring": "fence.controls.pr_84046_role_by_substring:RoleBySubstring",
    "ledger-keeps-eight-writes": "fence.controls.ledger_keeps_eight_writes:LedgerKeepsEightWrites",
    "ledger-trusts-after-own-writer": (
        "fence.controls.ledger_trusts_after_own_writer:LedgerTrustsAfterOwnWriter"
    ),
    "pr-84046-one-mirror": "fence.controls.pr_84046_one_mirror:OneMirror",
    "ledger-checks-each-line": "fence.controls.ledger_checks_each_line:LedgerChecksEachLine",
    "ledger-records-first-line": "fence.controls.ledger_records_first_line:LedgerRecordsFirstLine",
    "stat-of-the-link": "fence.controls.stat_of_the_link:StatOfTheLink",
    "pr-84149-one-epoch": "fence.controls.pr_84149_one_epoch:OneEpoch",
    "lock-pid-is-enough": "fence.controls.lock_pid_is_enough:LockPidIsEnough",
    "ledger-reclaims-twice": "fence.controls.ledger_reclaims_twice:LedgerReclaimsTwice",
    "ledger-keeps-old-temporary": "fence.controls.ledger_keeps_old_temporary:LedgerKeepsOldTemporary",
    "ledger-recovers-to-its-copy": "fence.controls.ledger_recovers_to_its_copy:LedgerRecoversToItsCopy",
    "ledger-fresh-after-time-out": "fence.controls.ledger_fresh_after_time_out:LedgerFreshAfterTimeOut",
    "ledger-record-in-place": "fence.controls.ledger_record_in_place:LedgerRecordInPlace",
    "ledger-accepts-after-death": "fence.controls.ledger_accepts_after_death:LedgerAcceptsAfterDeath",
    "ledger-waits-for-ever": "fence.controls.ledger_waits_for_ever:LedgerWaitsForEver",
}

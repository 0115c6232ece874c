using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using Sync.Testing.Ledger;
using Xunit;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Tests.Ledger;

/// <summary>Random histories, each from a seed, against rules that are stated once more and naively: replaying the
/// facts in feed order, each answer must be the one that a single-threaded writer would have given.</summary>
public sealed class SequencerModelTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_random_history_ends_as_one_writer_at_a_time_would_have_left_it(int part)
    {
        for (var seed = part * 250; seed < (part + 1) * 250; seed++)
        {
            var history = new RandomHistory(seed, null);
            history.Run();
            history.Wrong().ShouldBeEmpty($"seed {seed}");
        }
    }

    [Fact]
    public void The_random_histories_meet_every_kind_of_answer_and_outcome()
    {
        var met = new HashSet<string>(StringComparer.Ordinal);
        for (var seed = 0; seed < 250; seed++)
        {
            var history = new RandomHistory(seed, null);
            history.Run();
            met.UnionWith(history.Met);
        }
        string[] wanted = ["committed", "replayed", "batch", "batch refused", "failed", "unknown stored", "unknown not stored", "fenced",
            "DuplicateKey", "DataError", "ExpectedSequenceDiffers", "NoLiveRecord", "LiveRecordExists", "IdempotencyKeyReused", "WrongShape", "NoOwner", "unknown",
            "two in flight", "too early", "answers out of order"];
        wanted.Except(met, StringComparer.Ordinal).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(nameof(PlantedFaults.AckBeforeCommit))]
    [InlineData(nameof(PlantedFaults.RetryUnknownBlindly))]
    [InlineData(nameof(PlantedFaults.SequenceFromStaleLoad))]
    [InlineData(nameof(PlantedFaults.NoEpochInFence))]
    [InlineData(nameof(PlantedFaults.IdempotencyOutsideTransaction))]
    [InlineData(nameof(PlantedFaults.RefusalFromFlight))]
    [InlineData(nameof(PlantedFaults.OnTopNotAwaited))]
    public void A_planted_fault_is_found(string fault)
    {
        var faults = new PlantedFaults
        {
            AckBeforeCommit = fault == nameof(PlantedFaults.AckBeforeCommit),
            RetryUnknownBlindly = fault == nameof(PlantedFaults.RetryUnknownBlindly),
            SequenceFromStaleLoad = fault == nameof(PlantedFaults.SequenceFromStaleLoad),
            NoEpochInFence = fault == nameof(PlantedFaults.NoEpochInFence),
            IdempotencyOutsideTransaction = fault == nameof(PlantedFaults.IdempotencyOutsideTransaction),
            RefusalFromFlight = fault == nameof(PlantedFaults.RefusalFromFlight),
            OnTopNotAwaited = fault == nameof(PlantedFaults.OnTopNotAwaited),
        };
        for (var seed = 0; seed < 1000; seed++)
        {
            var history = new RandomHistory(seed, faults);
            history.Run();
            if (history.Wrong().Count > 0) return;
        }
        throw new InvalidOperationException($"{fault} went unnoticed through 1,000 histories.");
    }
}

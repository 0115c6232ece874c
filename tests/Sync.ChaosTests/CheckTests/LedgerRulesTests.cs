using Shouldly;
using Sync.Contracts;
using Xunit;

namespace Sync.ChaosTests.CheckTests;

public sealed class LedgerRulesTests
{
    private readonly PlayedRun _run = new();

    [Fact]
    public void A_hole_between_positions_is_found()
    {
        _run.Write(PlayedRun.Key(0));
        Store(_run.Next(PlayedRun.Key(0)) with { Position = 3 });
        Found("R2", "the positions of a feed are not dense");
    }

    [Fact]
    public void A_doubled_sequence_is_found()
    {
        _run.Write(PlayedRun.Key(0));
        Store(_run.Next(PlayedRun.Key(0)) with { Sequence = 1 });
        Found("R2", "the sequences of a key are not dense");
    }

    [Fact]
    public void A_fact_of_another_past_is_found()
    {
        _run.Write(PlayedRun.Key(0));
        Store(_run.Next(PlayedRun.Key(0)) with { Causation = Guid.NewGuid(), After = 0 });
        Found("R2", "a fact does not name the key's previous fact");
        Found("R2", "a fact does not name the collection's previous change");
    }

    [Fact]
    public void A_feed_that_claims_more_than_it_has_is_found()
    {
        var fact = _run.Write(PlayedRun.Key(0));
        _run.Heads[fact.Feed]++;
        Found("R2", "a feed's position is not that of its last fact");
    }

    [Fact]
    public void A_fact_of_an_old_epoch_after_a_new_one_is_found()
    {
        _run.Write(PlayedRun.Key(0));
        Store(_run.Next(PlayedRun.Key(0)) with { Epoch = 2 });
        _run.Check().ShouldBeEmpty();
        _run.Facts.TakeOvers.ShouldBe(1);
        Store(_run.Next(PlayedRun.Key(0)) with { Epoch = 1 });
        Found("R9", "a fact of an older epoch follows one of a newer");
    }

    private void Store(Check.FactRow fact)
    {
        _run.Acknowledge(fact, _run.Invoke(fact));
        _run.Store(fact);
    }

    private void Found(string invariant, string what) =>
        _run.Check().ShouldContain(one => one.Invariant == invariant && one.What.StartsWith(what, StringComparison.Ordinal));
}

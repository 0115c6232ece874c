using Shouldly;
using Sync.Contracts;
using Sync.Ledger;
using static Sync.Testing.Ledger.LedgerTexts;

namespace Sync.Testing.Ledger;

/// <summary>A publisher driven by hand; facts come from a sequencer on a memory ledger.</summary>
public sealed class PublisherRig
{
    private readonly SequencerRig _sequencer;
    private readonly List<long> _tokens = [];

    /// <summary>A publisher of a feed that begins as it is told.</summary>
    /// <param name="options">Limits and beat times.</param>
    /// <param name="before">Facts committed before the take-over.</param>
    /// <param name="published">The saved published position.</param>
    /// <param name="faults">Planted faults.</param>
    public PublisherRig(LedgerOptions? options = null, int before = 0, long published = 0, PlantedFaults? faults = null)
    {
        Options = options ?? new LedgerOptions { Owner = "one" };
        _sequencer = new SequencerRig(Options);
        for (var number = 0; number < before; number++) Commit($"k{number % 10}");
        var lease = new FeedLease(new FeedId(0), new LeaseEpoch(9), "one");
        var state = new FeedState(lease, _sequencer.Core.Position, default, default, new Position(published));
        Core = new PublisherCore(state, new HistoryId(1), Options, faults);
    }

    /// <summary>Options.</summary>
    public LedgerOptions Options { get; }

    /// <summary>The core under test.</summary>
    public PublisherCore Core { get; }

    /// <summary>Steady clock.</summary>
    public TimeSpan Now { get; set; }

    /// <summary>Positions of the envelopes handed over, in order.</summary>
    public List<long> Handed { get; } = [];

    /// <summary>Beats handed over, in order.</summary>
    public List<Beat> Beats { get; } = [];

    /// <summary>Reads asked for: behind which position.</summary>
    public List<long> Reads { get; } = [];

    /// <summary>Commits facts and gives them to the publisher.</summary>
    public void Append(params string[] keys)
    {
        foreach (var key in keys) Core.Append(Commit(key));
    }

    /// <summary>Commits facts that the publisher is not told about.</summary>
    public IReadOnlyList<Fact> Commit(string key, string collection = "user")
    {
        var count = _sequencer.Committed.Count;
        _sequencer.Write(Put(new("acme", collection, key))).ShouldBeOfType<WriteResult.Committed>();
        return _sequencer.Committed[count..];
    }

    /// <summary>Carries out steps until the core waits; reads are answered, flushes are not. Says when it
    /// wakes.</summary>
    public TimeSpan Run()
    {
        for (var steps = 0; steps < 100_000; steps++)
        {
            var step = Core.Next(Now, new Timestamp(1));
            switch (step.Kind)
            {
                case PublishKind.Wait: return step.WakeAt;
                case PublishKind.Envelope: Handed.Add(step.Fact!.Position.Value); break;
                case PublishKind.Beat: Beats.Add(step.Beat!); break;
                case PublishKind.Flush: _tokens.Add(step.Token); break;
                case PublishKind.Read:
                    Reads.Add(step.After.Value);
                    Core.ReadReturned(step.Token,
                        [.. _sequencer.Committed.Skip((int)step.After.Value).Take(Options.PublishReadFactsMax)]);
                    break;
            }
        }
        throw new InvalidOperationException("It never waits.");
    }

    /// <summary>Moves the clock and runs.</summary>
    public void Pass(int milliseconds)
    {
        Now += TimeSpan.FromMilliseconds(milliseconds);
        Run();
    }

    /// <summary>True when a flush is under way.</summary>
    public bool IsFlushing => _tokens.Count > 0;

    /// <summary>Answers the oldest flush, then runs.</summary>
    public void Flush(bool isConfirmed = true)
    {
        var token = _tokens[0];
        _tokens.RemoveAt(0);
        Core.FlushReturned(token, isConfirmed);
        Run();
    }
}

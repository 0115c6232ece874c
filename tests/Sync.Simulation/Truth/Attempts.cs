using System.Globalization;
using Sync.Contracts;

namespace Sync.Simulation;

/// <summary>How one request of a write stands; set where the writer emits the answer, before the way back can lose
/// it. And what a client's code was told of a call.</summary>
internal enum AttemptState
{
    Pending,
    Committed,
    Refused,
    Unknown,
}

/// <summary>One request of a write. Its name is the producer of its facts, so that the ledger says which request
/// committed.</summary>
/// <param name="write">What it asks for.</param>
/// <param name="number">Among all requests of the write.</param>
/// <param name="call">For whom a client sent it; null for an import.</param>
/// <param name="parent">The client's request that a writer forwards by this one; null = it is the client's own.</param>
/// <param name="history">The history when it was begun.</param>
/// <param name="head">Where its first key stood then.</param>
internal sealed class Attempt(Write write, int number, WriteCall? call, Attempt? parent, HistoryId history, Sequence head)
{
    public HistoryId History => history;
    public Sequence Head => head;
    public Write Write => write;
    public WriteCall? Call => call;
    public Attempt? Parent => parent;
    public string Name { get; } = string.Create(CultureInfo.InvariantCulture, $"{write.Id}.{number}");
    public AttemptState State { get; set; }

    /// <summary>For the mutant: this repeat does not say that it is one.</summary>
    public bool HasFreshKeys { get; init; }

    public string? KeyOf(WriteCommand line) => parent is not null ? parent.KeyOf(line)
        : HasFreshKeys && line.IdempotencyKey is { } key ? $"{key}/{Name}" : line.IdempotencyKey;

    /// <summary>Refused, and the same request may be accepted later.</summary>
    public bool IsTransient { get; set; }

    /// <summary>Facts of it, and of those that forward it, in the present history.</summary>
    public int Facts { get; private set; }

    /// <summary>Whoever sent it has heard of its end, or gave up waiting.</summary>
    public bool IsOver { get; set; }

    /// <summary>The owner that it reached; null = none.</summary>
    public OwnerDriver? At { get; set; }

    /// <summary>When it reached its owner, another request of the write waited there.</summary>
    public bool IsBesideAnother { get; set; }

    /// <summary>It reached an owner after a later request of the same write had been refused for good.</summary>
    public bool IsStraggler { get; set; }

    public void Count(int facts)
    {
        Facts += facts;
        parent?.Count(facts);
    }
}

/// <summary>One call of a client's code for a write: it is told one outcome, after as many requests as that takes.</summary>
internal sealed class WriteCall(Write write)
{
    public Write Write => write;

    /// <summary>The client's own requests.</summary>
    public List<Attempt> Attempts { get; } = [];

    /// <summary>A request of it had no answer, or none that tells.</summary>
    public bool HasOpenAttempt { get; set; }

    public AttemptState Told { get; set; }
}

/// <summary>One thing that a client wants, by as many requests as it takes.</summary>
internal sealed class Write(int id, IReadOnlyList<WriteCommand> commands, bool isAtomic, SimRandom random)
{
    /// <summary>What its client draws for it.</summary>
    public SimRandom Random => random;

    public int Id => id;
    public IReadOnlyList<WriteCommand> Commands => commands;
    public bool IsAtomic => isAtomic;
    public bool IsRepeatable => commands[0].IdempotencyKey is not null;
    public List<Attempt> Attempts { get; } = [];
    public Receipt?[] Receipts { get; } = new Receipt?[commands.Count];
    public int Facts { get; set; }

    /// <summary>Calls for it.</summary>
    public int Calls { get; set; }

    /// <summary>Requests that are under way or planned.</summary>
    public int Open { get; set; }
}

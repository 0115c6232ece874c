using Sync.Contracts;

namespace Sync.MessagePack;

/// <summary>Writes that a writer hands to the owner of their feed (<c>sync.own.&lt;feed&gt;</c>).</summary>
public sealed class ForwardedWrites
{
    /// <summary>Most commands of one request.</summary>
    public const int CommandsMax = 1000;

    /// <summary>1 to <see cref="CommandsMax"/> commands, all of the feed.</summary>
    public required IReadOnlyList<WriteCommand> Commands { get; init; }

    /// <summary>True: all or none.</summary>
    public bool Atomic { get; init; }

    /// <summary>Who the first writer found the caller to be; null = nobody in particular.</summary>
    public string? Principal { get; init; }

    /// <summary>After this instant nobody waits for the reply any more; null = no deadline.</summary>
    public Timestamp? Deadline { get; init; }
}

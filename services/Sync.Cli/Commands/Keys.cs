using System.CommandLine;
using Sync.Contracts;

namespace Sync.Cli.Commands;

/// <summary>The three arguments that name a record.</summary>
internal sealed class Keys
{
    private readonly Argument<string> _vault = new("VAULT") { Description = "The vault, e.g. acme, or group--partition" };
    private readonly Argument<string> _collection = new("COLLECTION") { Description = "The collection, e.g. user" };
    private readonly Argument<string> _key = new("KEY") { Description = "The key, e.g. 123; any text without control characters" };

    public void AddTo(Command command)
    {
        command.Arguments.Add(_vault);
        command.Arguments.Add(_collection);
        command.Arguments.Add(_key);
    }

    /// <exception cref="SyncException">A name breaks the rules.</exception>
    public SyncedKey Of(ParseResult parsed)
    {
        var key = new SyncedKey(parsed.GetRequiredValue(_vault), parsed.GetRequiredValue(_collection), parsed.GetRequiredValue(_key));
        return Names.Check(key) is { } wrong ? throw new SyncException(SyncErrorCode.Invalid, wrong) : key;
    }
}

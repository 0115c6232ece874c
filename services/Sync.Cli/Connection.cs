using System.CommandLine;
using Sync.Client;
using Sync.Transport;

namespace Sync.Cli;

/// <summary>Where the services are, from options, else from the environment, else this machine. Passwords never come from options.</summary>
internal sealed record Connection(string Writer, string? Nats, string? NatsUser, string? NatsPassword, bool Json)
{
    private static readonly Option<string> WriterOption = new("--writer")
    {
        Description = "Address of a writer (SYNC_WRITER)",
        DefaultValueFactory = _ => Variable("SYNC_WRITER") ?? "http://127.0.0.1:5080",
        Recursive = true,
    };

    private static readonly Option<string?> NatsOption = new("--nats")
    {
        Description = "Address of the broker (SYNC_NATS); only watch uses it, and does without when there is none",
        DefaultValueFactory = _ => Variable("SYNC_NATS"),
        Recursive = true,
    };

    private static readonly Option<string?> NatsUserOption = new("--nats-user")
    {
        Description = "User at the broker (SYNC_NATS_USER); the password comes from SYNC_NATS_PASSWORD or SYNC_NATS_PASSWORD_FILE",
        DefaultValueFactory = _ => Variable("SYNC_NATS_USER"),
        Recursive = true,
    };

    private static readonly Option<bool> JsonOption = new("--json")
    {
        Description = "Print JSON for programs instead of text for people",
        Recursive = true,
    };

    public static IEnumerable<Option> Options => [WriterOption, NatsOption, NatsUserOption, JsonOption];

    public static Connection From(ParseResult parsed) => new(
        parsed.GetRequiredValue(WriterOption),
        parsed.GetValue(NatsOption),
        parsed.GetValue(NatsUserOption),
        Variable("SYNC_NATS_PASSWORD") ?? FromFile(Variable("SYNC_NATS_PASSWORD_FILE")),
        parsed.GetValue(JsonOption));

    /// <summary>The broker; null = none was named. A user's replies come under its own prefix, as the shipped broker configuration
    /// allows.</summary>
    public BusOptions? Broker => Nats is null ? null : new()
    {
        Url = Nats,
        Name = "sync cli",
        Username = NatsUser,
        Password = NatsPassword,
        InboxPrefix = NatsUser is null ? "_INBOX" : "_INBOX." + NatsUser,
    };

    public SyncClientOptions ClientOptions(string producer) => new() { Writers = [Writer], Producer = producer };

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private static string? FromFile(string? path) => path is null ? null : File.ReadAllText(path).Trim();
}

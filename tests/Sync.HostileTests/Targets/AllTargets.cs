using Sync.HostileTests.Run;

namespace Sync.HostileTests.Targets;

/// <summary>Every decoder that meets untrusted bytes.</summary>
internal static class AllTargets
{
    private static readonly string[] Messages =
    [
        "beat", "write-command", "append-command", "forwarded-writes", "write-result", "write-results", "getmany", "getmany-group", "answer", "group-answer",
        "snapshot-request", "snapshot-page", "changes-request", "changes-page", "vaults-request", "vaults-page", "history-request", "history-page", "fact",
    ];

    public static readonly IReadOnlyList<Func<Target>> Makers =
    [
        () => new ValueTarget(), () => new SkipTarget(), () => new ToJsonTarget(), () => new FromJsonTarget(),
        () => new EnvelopeTarget(), () => new PeekTarget(), () => new JsonMessageTarget("json-envelope"), () => new JsonMessageTarget("json-beat"),
        .. Messages.Select(message => (Func<Target>)(() => new MessageTarget(message))),
        () => new SubjectTarget(), () => new RequestSubjectTarget(), () => new SubjectRuleTarget(), () => new PrefixTarget(),
        () => new NameTarget(), () => new CursorTarget(), () => new TraceTarget(), () => new TimeTarget(),
        () => new FrameTarget(), () => new HeaderTarget(),
        () => new BatchLineTarget(), () => new LineFrameTarget(), () => new ImportLineTarget(), () => new ImportFileTarget(),
        () => new EventStreamTarget(), () => new ServerEventTarget(),
        () => new WriteHeaderTarget(), () => new QueryTarget(), () => new PathTarget(),
        () => new TokenRecordTarget(), () => new AccessScopeTarget(), () => new BatchAnswerTarget(), () => new FactPageTarget(), () => new DocumentTarget(), () => new ModelTarget(),
    ];

    /// <summary>The name of each.</summary>
    public static readonly IReadOnlyList<string> Names = [.. Makers.Select(make => make().Name)];

    public static Func<Target> Named(string name) => Makers.FirstOrDefault(make => make().Name == name)
        ?? throw new ArgumentException($"there is no target '{name}'; known are {string.Join(", ", Names)}", nameof(name));
}

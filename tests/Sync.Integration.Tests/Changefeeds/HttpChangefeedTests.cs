using Sync.Testing.Changefeeds;

namespace Sync.Integration.Tests.Changefeeds;

/// <summary>The contract over HTTP, through the client.</summary>
public sealed class HttpChangefeedTests : ChangefeedCompliance
{
    protected override async ValueTask<ChangefeedRig> StartAsync() =>
        await HttpRig.StartAsync(settings: $"Changefeed:DropBehind={LatestBehind}");
}

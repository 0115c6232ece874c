using Sync.Hosting;
using Sync.ReplicaHost;

return await ServiceRun.RunAsync(() => ReplicaHostApp.Build(args), ReplicaHostApp.UrlsSetting);
